package tls_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/decoder"
)

var update = flag.Bool("update", false, "record the conversations of testdata anew")

// recorded returns the conversations of testdata, which are the same in each process.
func recorded(t testing.TB) (list []*conversation) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.conversation")
	if err != nil || len(paths) == 0 {
		t.Fatal("no conversations in testdata", err)
	}
	for _, path := range paths {
		list = append(list, readConversation(t, path))
	}
	return list
}

func readConversation(t testing.TB, path string) *conversation {
	t.Helper()
	conv := &conversation{}
	for lines := bufio.NewScanner(bytes.NewReader(readFile(t, path))); lines.Scan(); {
		f := strings.Fields(lines.Text())
		b, err := hex.DecodeString(f[len(f)-1])
		if err != nil {
			t.Fatal(path, err)
		}
		switch f[0] {
		case "send":
			conv.segments = append(conv.segments, segment{decoder.Send, b})
		case "recv":
			conv.segments = append(conv.segments, segment{decoder.Recv, b})
		case "sent":
			conv.said[decoder.Send] = b
		case "received":
			conv.said[decoder.Recv] = b
		default:
			conv.secrets = append(conv.secrets, parseLog(t, strings.NewReader(lines.Text()))...)
		}
	}
	return conv
}

func writeConversation(t *testing.T, path string, conv *conversation) {
	t.Helper()
	var b bytes.Buffer
	for _, s := range conv.secrets {
		fmt.Fprintf(&b, "%s %x %x\n", s.label, s.random, s.secret)
	}
	for _, s := range conv.segments {
		fmt.Fprintf(&b, "%s %x\n", s.dir, s.b)
	}
	fmt.Fprintf(&b, "sent %x\nreceived %x\n", conv.said[decoder.Send], conv.said[decoder.Recv])
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRecorded reads the conversations of testdata: with -update, it records them.
func TestRecorded(t *testing.T) {
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		for _, s := range fakeSuites() {
			conv := s.record(t, []int{10, 600, 100, 1200, 10, 10})
			writeConversation(t, filepath.Join("testdata", strings.ReplaceAll(s.name, " ", "")+".conversation"), conv)
		}
	}
	for i, conv := range recorded(t) {
		got := run(conv, 1<<20, 0)
		for d := range got.said {
			if !bytes.Equal(got.said[d], conv.said[d]) || len(got.said[d]) == 0 {
				t.Errorf("%d: %s: got %d bytes, want %d; %q", i, decoder.Direction(d), len(got.said[d]), len(conv.said[d]), got.lines)
			}
		}
	}
}
