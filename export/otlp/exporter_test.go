package otlp

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
)

// messages keeps what an Exporter says.
type messages struct {
	mu   sync.Mutex
	list []string
}

func (m *messages) say(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, fmt.Sprintf(format, args...))
}

func (m *messages) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list
}

// environment returns a Getenv of NAME=VALUE pairs.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for _, pair := range pairs {
			if v, ok := strings.CutPrefix(pair, name+"="); ok {
				return v
			}
		}
		return ""
	}
}

// start starts an Exporter to a URL.
func start(t testing.TB, url string, env ...string) (*Exporter, *messages) {
	t.Helper()
	endpoint, err := ParseEndpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	said := &messages{}
	x, err := New(Options{Endpoint: endpoint, Version: "v1", Host: "builder-7", Say: said.say, Getenv: environment(env...)})
	if err != nil {
		t.Fatal(err)
	}
	x.sender.client.pace = hasty
	return x, said
}

// recording returns the lines of a recorded download.
func recording(t testing.TB) []string {
	t.Helper()
	f, err := os.Open("../report/testdata/download.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}
