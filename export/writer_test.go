package export

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// sharedOutput is read by a test while the timer writes to it.
type sharedOutput struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *sharedOutput) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

// take returns what was written since the last call.
func (o *sharedOutput) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.buf.String()
	o.buf.Reset()
	return s
}

// TestFlushWhenIdle checks that an event reaches the output within 100 ms, each time, if
// no other event follows.
func TestFlushWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out sharedOutput
		j := NewJSONL(&out, Options{})
		for range 3 {
			j.Loss(&Loss{})
			if got := out.take(); got != "" {
				t.Fatalf("the line was not buffered: %q", got)
			}
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if got := out.take(); strings.Count(got, "\n") != 1 {
				t.Fatalf("after 100 ms: got %q", got)
			}
			time.Sleep(time.Second)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestFlushUnderLoad checks that no line waits longer than 100 ms while others follow, too
// few to fill the buffer.
func TestFlushUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &timedOutput{}
		j := NewJSONL(out, Options{})
		for range 200 {
			j.Loss(&Loss{Time: ktime.Time(time.Now().UnixNano())})
			time.Sleep(7 * time.Millisecond)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if out.lines != 200 || out.longest > 100*time.Millisecond {
			t.Errorf("got %d lines, the slowest after %v", out.lines, out.longest)
		}
	})
}

// timedOutput measures the age of each line when it is written.
type timedOutput struct {
	lines   int
	longest time.Duration
}

func (o *timedOutput) Write(b []byte) (int, error) {
	for l := range bytes.Lines(b) {
		_, rest, _ := strings.Cut(string(l), `"ts":"`)
		ts, _, _ := strings.Cut(rest, `"`)
		seen, err := time.Parse(time.RFC3339Nano, ts)
		if err != nil {
			return 0, err
		}
		o.lines++
		o.longest = max(o.longest, time.Since(seen))
	}
	return len(b), nil
}

// TestFlushWhenFull checks that a full buffer is written at once, in whole lines.
func TestFlushWhenFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		j := NewJSONL(&out, Options{})
		const lines = 4000
		for range lines {
			j.Loss(&Loss{})
		}
		if got := out.Len(); got < bufferSize {
			t.Errorf("got %d bytes before any time passed, want at least %d", got, bufferSize)
		}
		if !bytes.HasSuffix(out.Bytes(), []byte("}\n")) {
			t.Error("a line was cut")
		}
		if err := j.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := bytes.Count(out.Bytes(), []byte("\n")); got != lines {
			t.Errorf("got %d lines, want %d", got, lines)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// limitedOutput takes a number of bytes and then fails.
type limitedOutput struct {
	bytes.Buffer
	room int
	err  error
}

func (o *limitedOutput) Write(b []byte) (int, error) {
	n := min(len(b), o.room)
	o.room -= n
	o.Buffer.Write(b[:n])
	if n < len(b) {
		return n, o.err
	}
	return n, nil
}

// TestWriteError checks that an error persists, and that nothing is written after the line
// that it cut.
func TestWriteError(t *testing.T) {
	out := &limitedOutput{room: 100, err: &os.PathError{Op: "write", Path: "events.jsonl", Err: syscall.ENOSPC}}
	j := NewJSONL(out, Options{})
	j.Loss(&Loss{})
	j.Loss(&Loss{})
	first := j.Flush()
	if !errors.Is(first, syscall.ENOSPC) || errors.Is(first, ErrReaderGone) {
		t.Errorf("got %v, want no space", first)
	}
	out.room = 1000
	j.Loss(&Loss{})
	j.Frame(Meta{}, &decoder.Frame{})
	j.Summary(&Summary{})
	for name, err := range map[string]error{"Err": j.Err(), "Flush": j.Flush(), "Close": j.Close(), "Close again": j.Close()} {
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: got %v, want %v", name, err, first)
		}
	}
	if got := out.Len(); got != 100 {
		t.Errorf("got %d bytes written, want 100 and nothing after the error", got)
	}
}

// TestFullDisk checks an error of a real device without room.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("no /dev/full here: %v", err)
	}
	defer full.Close()
	j := NewJSONL(full, Options{})
	j.Loss(&Loss{})
	if err := j.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want no space", err)
	}
}

// TestReaderGone checks that the timer alone finds that the reader has exited.
func TestReaderGone(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	j := NewJSONL(w, Options{})
	j.Loss(&Loss{})
	deadline := time.Now().Add(5 * time.Second)
	for j.Err() == nil && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if err := j.Err(); !errors.Is(err, ErrReaderGone) || !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v, want %v", err, ErrReaderGone)
	}
	if err := j.Close(); !errors.Is(err, ErrReaderGone) {
		t.Errorf("Close: got %v, want %v", err, ErrReaderGone)
	}
}

// blockingOutput takes few bytes at a time and would block in between.
type blockingOutput struct{ bytes.Buffer }

func (o *blockingOutput) Write(b []byte) (int, error) {
	n, _ := o.Buffer.Write(b[:min(len(b), 10)])
	if n < len(b) {
		return n, syscall.EAGAIN
	}
	return n, nil
}

func TestNonBlockingOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &blockingOutput{}
		j := NewJSONL(out, Options{})
		j.Loss(&Loss{Conn: "c1"})
		j.Loss(&Loss{Conn: "c2"})
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); strings.Count(got, "\n") != 2 || !strings.HasSuffix(got, `"conn":"c2"}`+"\n") {
			t.Errorf("got %q", got)
		}
	})
}

func TestClosed(t *testing.T) {
	var out bytes.Buffer
	j := NewJSONL(&out, Options{})
	j.Loss(&Loss{})
	for _, step := range []func() error{j.Close, j.Close, j.Flush, j.Err} {
		if err := step(); err != nil {
			t.Error(err)
		}
	}
	written := out.Len()
	j.Loss(&Loss{})
	if err := j.Flush(); err != nil || out.Len() != written {
		t.Errorf("got %d more bytes after Close, %v", out.Len()-written, err)
	}
}

// TestConcurrentUse checks that lines of several goroutines do not mix, above all under the
// race detector.
func TestConcurrentUse(t *testing.T) {
	var out bytes.Buffer
	j := NewJSONL(&out, Options{})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			m := Meta{PID: g + 1, Comm: strings.Repeat("x", g*100), Conn: fmt.Sprint("c", g)}
			for range 500 {
				for _, f := range benchFrames() {
					j.Frame(m, f)
				}
			}
		})
	}
	wg.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for l := range strings.Lines(out.String()) {
		lines++
		if !strings.HasPrefix(l, `{"v":1,`) || !strings.HasSuffix(l, "}}\n") || strings.Count(l, `"window"`) != 1 {
			t.Fatalf("mixed line: %s", l)
		}
	}
	if want := 4 * 500 * 3; lines != want {
		t.Errorf("got %d lines, want %d", lines, want)
	}
}

// TestBufferShrinks checks that one enormous line leaves no enormous buffer.
func TestBufferShrinks(t *testing.T) {
	j := NewJSONL(&bytes.Buffer{}, Options{Bodies: true})
	f := decoder.Frame{Type: decoder.TypeData, Body: bytes.Repeat([]byte{0xff}, 8<<20)}
	j.Frame(Meta{}, &f)
	if got := cap(j.out.buf); got > maxKeptBuffer {
		t.Errorf("got a buffer of %d bytes, want at most %d", got, maxKeptBuffer)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
