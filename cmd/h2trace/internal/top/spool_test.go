package top

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// written is a terminal in tests.
type written struct {
	mu sync.Mutex
	strings.Builder
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Builder.Write(p)
}

func (w *written) has() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.String()
}

// TestSpool holds what is written until it is to be followed.
func TestSpool(t *testing.T) {
	var to written
	s, err := NewSpool(&to)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if _, err := unix.Write(s.FD(), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write("one\n")
	if to.has() != "" {
		t.Errorf("at once: %q", to.has())
	}
	s.Follow()
	if to.has() != "one\n" {
		t.Errorf("followed: %q", to.has())
	}
	write("two\n")
	for end := time.Now().Add(time.Minute); to.has() != "one\ntwo\n" && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	write("three\n")
	s.Close()
	if to.has() != "one\ntwo\nthree\n" {
		t.Errorf("at the end: %q", to.has())
	}
}

// TestSpoolDrops drops what is too much, and says so.
func TestSpoolDrops(t *testing.T) {
	var to written
	s, err := NewSpool(&to)
	if err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", maxSpool+1)
	if _, err := unix.Write(s.FD(), []byte(big)); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.trim()
	s.mu.Unlock()
	if _, err := unix.Write(s.FD(), []byte("end\n")); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if want := fmt.Sprintf("h2trace: %d bytes of output are left out here\nend\n", len(big)); to.has() != want {
		t.Errorf("got %.200q, want %q", to.has(), want)
	}
}

// TestNotices holds messages, the latest of many.
func TestNotices(t *testing.T) {
	var to written
	n := NewNotices(&to)
	say := func(text string) { _, _ = fmt.Fprintf(n, "h2trace: %s\n", text) }
	say("before")
	n.hold()
	for i := range 10_000 {
		say(fmt.Sprint("message ", i))
	}
	if to.has() != "h2trace: before\n" || n.last() != "message 9999" {
		t.Errorf("held: %q, the latest %q", to.has(), n.last())
	}
	n.release()
	say("after")
	if got := to.has(); len(got) > maxNotices+100 || !strings.HasSuffix(got, "\nh2trace: message 9999\nh2trace: after\n") || strings.Contains(got, "message 1\n") {
		t.Errorf("%d bytes, the end %q", len(got), got[len(got)-60:])
	}
}
