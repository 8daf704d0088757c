package linequeue

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestInOrder takes lines of all lengths in their order, also while they come faster.
func TestInOrder(t *testing.T) {
	for _, o := range []Options{{Chunks: 1}, {Chunks: 1, Delay: time.Millisecond}, {Chunks: 1000, Drop: true}} {
		var got []string
		q := New(func(line []byte) { got = append(got, string(line)) }, o)
		var want []string
		for i := range 2000 {
			line := fmt.Appendf(nil, "%d %s", i, bytes.Repeat([]byte("x"), i%1000*(i%7)))
			want = append(want, string(line))
			q.Add(line)
			clear(line)
		}
		big := bytes.Repeat([]byte("y"), 4*chunkSize)
		q.Add(big)
		q.Close()
		if dropped := q.Close(); dropped || !slices.Equal(got, append(want, string(big))) {
			t.Errorf("%+v: %d lines of %d, dropped %v", o, len(got), len(want)+1, dropped)
		}
	}
}

// TestDelay takes a single line without a Close.
func TestDelay(t *testing.T) {
	taken := make(chan string, 1)
	q := New(func(line []byte) { taken <- string(line) }, Options{Chunks: 1, Delay: time.Millisecond})
	defer q.Close()
	q.Add([]byte("one"))
	if line := <-taken; line != "one" {
		t.Errorf("got %q", line)
	}
}

// TestDrop does not wait for a function that takes its time.
func TestDrop(t *testing.T) {
	goOn := make(chan struct{})
	lines := 0
	q := New(func([]byte) { <-goOn; lines++ }, Options{Chunks: 2, Drop: true})
	const given = 10
	for i := range given {
		q.Add(bytes.Repeat([]byte{byte('a' + i)}, chunkSize))
	}
	close(goOn)
	if dropped := q.Close(); !dropped || lines < 2 || lines >= given {
		t.Errorf("%d lines of %d, dropped %v", lines, given, dropped)
	}
}
