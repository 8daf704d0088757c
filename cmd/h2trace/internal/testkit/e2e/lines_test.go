package e2e

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// counted is how often a file has a text, up to an offset.
type counted struct {
	file   os.FileInfo
	offset int64
	count  int
	rest   []byte // where the text may begin
}

var counts struct {
	sync.Mutex
	of map[[2]string]*counted // by path and text
}

// lines returns how many lines of a file have a text, 0 while there is no file; no
// two lines share one occurrence. Called again, it reads only the new part: files
// that grow while a test waits soon become too large to read each time.
func lines(file, with string) int {
	f, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	counts.Lock()
	defer counts.Unlock()
	key := [2]string{file, with}
	c := counts.of[key]
	if c == nil || !os.SameFile(c.file, info) || info.Size() < c.offset {
		c = &counted{}
	}
	if counts.of == nil {
		counts.of = make(map[[2]string]*counted)
	}
	counts.of[key] = c
	c.file = info
	c.read(f, []byte(with))
	return c.count
}

// read counts what a file has after the offset.
func (c *counted) read(f io.ReaderAt, with []byte) {
	buf := make([]byte, 64<<10)
	for {
		n, err := f.ReadAt(buf, c.offset)
		c.offset += int64(n)
		b := append(c.rest, buf[:n]...)
		c.count += bytes.Count(b, with)
		if last := bytes.LastIndex(b, with); last >= 0 {
			b = b[last+len(with):]
		}
		c.rest = append([]byte(nil), b[max(0, len(b)-len(with)+1):]...)
		if err != nil { // normally the end
			return
		}
	}
}

// lastLines returns the last lines of a file, which may be large.
func lastLines(file string) []byte {
	const most = 4 << 20
	f, err := os.Open(file)
	if err != nil {
		return nil // not written yet
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	from := max(0, info.Size()-most)
	b, err := io.ReadAll(io.NewSectionReader(f, from, most))
	if err != nil {
		return nil
	}
	if from > 0 {
		_, b, _ = bytes.Cut(b, []byte("\n"))
	}
	return b
}

// TestLines counts in a file that grows, in pieces that cut the text.
func TestLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if got := lines(file, "abc"); got != 0 {
		t.Errorf("got %d in no file", got)
	}
	write := func(text string, flags int) {
		t.Helper()
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|flags, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	for i, text := range []string{"ab", "cab", "", "c\nabc", "bcabcab"} {
		write(text, os.O_APPEND)
		if got, want := lines(file, "abc"), []int{0, 1, 1, 3, 4}[i]; got != want {
			t.Errorf("after piece %d: got %d, want %d", i, got, want)
		}
	}
	write("abc\n", os.O_TRUNC)
	if got := lines(file, "abc"); got != 1 {
		t.Errorf("of a new beginning: got %d, want 1", got)
	}
}
