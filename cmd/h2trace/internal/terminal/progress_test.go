package terminal

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// TestReading shows nothing within a second, then how far it is, and wipes that.
func TestReading(t *testing.T) {
	for name, tt := range map[string]struct {
		total int64
		want  string
	}{
		"of a known size": {5e6, "\r\x1b[Kh2trace: read 2 of 5 MB (40 %)\r\x1b[K"},
		"of stdin":        {0, "\r\x1b[Kh2trace: read 2 MB\r\x1b[K"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			p := &Progress{to: &out}
			r := p.Of(tt.total)
			in := r.Reader(strings.NewReader(strings.Repeat("x", 3e6)))
			read := func() {
				if _, err := io.ReadFull(in, make([]byte, 1e6)); err != nil {
					t.Fatal(err)
				}
			}
			read()
			if out.Len() > 0 {
				t.Errorf("after no time at all it says %q", out.String())
			}
			r.next = time.Now() // a second has passed
			read()
			read() // within the interval
			p.End()
			p.End()
			if out.String() != tt.want {
				t.Errorf("got %q, want %q", out.String(), tt.want)
			}
		})
	}
}

// TestNarrow has a terminal that is narrower than the text.
func TestNarrow(t *testing.T) {
	var out strings.Builder
	p := &Progress{to: &out, width: 12}
	p.Show("a long text")
	if want := wipe + "h2trace: a "; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// TestNoTerminal has files that are none.
func TestNoTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	p := NewProgress(null)
	p.Show("x")
	p.End()
	in := strings.NewReader("abc")
	if p != nil || p.Of(3).Reader(in) != io.Reader(in) {
		t.Error("the null device is taken for a terminal")
	}
}
