package trace

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/message"
)

// notedProbes notes what is done with them.
type notedProbes struct {
	done []string
	hits uint64
	err  error // of the next Begin
}

func (p *notedProbes) Begin(paths []string) error {
	p.done = append(p.done, "begin "+strings.Join(paths, " "))
	err := p.err
	p.err = nil
	return err
}

func (p *notedProbes) End() error {
	p.done = append(p.done, "end")
	return nil
}

func (p *notedProbes) Hits() (uint64, error) { return p.hits, nil }

// TestBeginLate attaches to a file that a process has run for a while. Its connections may be
// silent, so the probes stay without one that wants them, are attached once more to all that
// runs by then, and go when they are hit in vain. So they do where the file got only some.
func TestBeginLate(t *testing.T) {
	const vain = 1 << 20
	for _, failure := range []error{nil, errors.New("no room")} {
		noted := &notedProbes{err: failure}
		p := newPassingProbes(noted, message.New(io.Discard, false), func() []string { return []string{"/a", "/b"} })
		look := func() (over bool) { // as a tick does
			p.begin(0)
			p.wait()
			over, err := p.over(0)
			if err != nil {
				t.Fatal(err)
			}
			if over {
				p.end()
				p.wait()
			}
			return over
		}
		if look(); len(noted.done) > 0 {
			t.Fatalf("without a process that is late: %q", noted.done)
		}
		for range 2 { // another process may be late after the probes went
			noted.done = nil
			late := make(chan error)
			noted.err = failure
			go func() { late <- p.beginLate("/late") }()
			if err := <-late; !errors.Is(err, failure) {
				t.Errorf("got %v, want %v", err, failure)
			}
			for range 3 {
				if look() {
					t.Fatal("the probes go though nothing hit them")
				}
			}
			noted.hits += vain
			if !look() {
				t.Fatal("the probes are hit for nothing, and stay")
			}
			if look() {
				t.Fatal("the probes go twice")
			}
			want := []string{"begin /late", "begin /a /b", "end"}
			if !slices.Equal(noted.done, want) {
				t.Errorf("got %q, want %q", noted.done, want)
			}
		}
	}
}
