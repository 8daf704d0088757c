//go:build linux

package trace

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
)

// TestKeyLog holds what is written of a session against the key log of crypto/tls. Both ends
// report it.
func TestKeyLog(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var want bytes.Buffer
		f := fetch(t, []string{"/a"}, func(c *tls.Config) {
			c.MaxVersion, c.KeyLogWriter = version, io.MultiWriter(c.KeyLogWriter, &want)
		})
		var got bytes.Buffer
		l := keyLog{to: &got}
		for range 2 {
			for _, s := range f.secrets {
				l.write(&s)
			}
		}
		l.write(&bpf.Secret{Secret: []byte{1}}) // of a label that opens no record
		if diff := symmetricDifference(openers(want.String()), openers(got.String())); len(diff) > 0 || got.Len() == 0 {
			t.Errorf("%s: only in one of both: %q", tls.VersionName(version), diff)
		}
		if n := strings.Count(got.String(), "\n"); n != len(openers(got.String())) {
			t.Errorf("%d lines, of which some are alike:\n%s", n, got.String())
		}
	}
}

// openers returns the lines of a key log with secrets that open records.
func openers(log string) map[string]bool {
	lines := make(map[string]bool)
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "EXPORTER_SECRET ") {
			lines[line] = true
		}
	}
	return lines
}

func symmetricDifference(a, b map[string]bool) (list []string) {
	for line := range maps.Keys(a) {
		if !b[line] {
			list = append(list, line)
		}
	}
	for line := range maps.Keys(b) {
		if !a[line] {
			list = append(list, line)
		}
	}
	return slices.Sorted(slices.Values(list))
}

// refusing counts the writes that it refuses.
type refusing int

func (r *refusing) Write([]byte) (int, error) {
	*r++
	return 0, errors.New("no space left on device")
}

// TestKeyLogFails cannot write. It says so once, and has the writer count what is missing.
func TestKeyLogFails(t *testing.T) {
	var said bytes.Buffer
	var full refusing
	l := keyLog{to: &full, msg: message.New(&said, false)}
	for i := range 3 {
		l.write(&bpf.Secret{Label: bpf.LabelMaster, ClientRandom: [32]byte{byte(i)}, Secret: []byte{1}})
	}
	if want := "h2trace: the observation goes on without session secrets: no space left on device\n"; said.String() != want || full != 3 {
		t.Errorf("got %q, and %d of 3 secrets", said.String(), full)
	}
}
