package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/convert"
)

// opener is a reader that tries to open what it reads from.
type opener struct {
	name string
	read string
	err  error
}

func (o *opener) Read(r io.Reader) error {
	b, err := io.ReadAll(r)
	o.read += string(b)
	_, o.err = os.Open(o.name)
	return err
}

// TestReadAll reads files. What parses them can open none, and the caller can after that.
func TestReadAll(t *testing.T) {
	var files []string
	for _, name := range []string{"one", "two"} {
		files = append(files, filepath.Join(t.TempDir(), name))
		if err := os.WriteFile(files[len(files)-1], []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := &opener{name: files[0]}
	failure := errors.New("failure")
	err := readAll(o, files, nil, true, func(reading error) error { return errors.Join(reading, failure) })
	if !errors.Is(err, failure) || o.read != "onetwo" {
		t.Errorf("read %q, %v, want both files and the error of the end", o.read, err)
	}
	if !errors.Is(o.err, fs.ErrPermission) {
		t.Errorf("what parses can open a file: %v", o.err)
	}
	if err := readAll(o, []string{files[0], "/nonexistent"}, nil, true, read); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v for a file that does not exist", err)
	}
	if f, err := os.Open(files[0]); err != nil || f.Close() != nil {
		t.Errorf("the caller cannot open a file any more: %v", err)
	}
}

// TestConvertMuch converts more than is sorted in memory. The rest goes to a temporary file, which
// what parses cannot create.
func TestConvertMuch(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	const (
		begin = `{"v":1,"ts":"2026-01-01T00:00:02.000000000Z","event":"exchange","pid":7,"conn":"c9","method":"GET","url":"http://go.example/`
		end   = `","status":200,"protocol":"http/1.1","send_ms":1.000,"error":null,"start":"2026-01-01T00:00:00.500000000Z"}` + "\n"
		many  = 5000
	)
	file := filepath.Join(t.TempDir(), "events")
	if err := os.WriteFile(file, []byte(strings.Repeat(begin+strings.Repeat("x", 4000)+end, many)), 0o600); err != nil {
		t.Fatal(err)
	}
	var archive strings.Builder
	c := convert.New(&archive, convert.Options{Format: "har"})
	if err := errors.Join(readAll(c, []string{file}, nil, true, read), c.Close()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(archive.String(), `"startedDateTime"`); got != many {
		t.Errorf("%d entries, want %d", got, many)
	}
}
