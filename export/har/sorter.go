package har

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
)

// sorter sorts entries by their begin, those that begin together in the order in which they came.
// It keeps a piece of them in memory, and sorted pieces in a temporary file.
type sorter struct {
	limit int // bytes of a piece
	piece []byte
	items []item
	file  *os.File
	size  int64 // of file
	runs  []run
	err   error // the first
}

// item is an entry in the piece.
type item struct {
	begin   int64
	at, len int
}

// run is a sorted piece in the file: of each entry, its begin, its length and itself.
type run struct{ at, len int64 }

// The bounds on a piece, and on the pieces that are merged at once.
const (
	maxPiece = 16 << 20
	maxRuns  = 256
	runRead  = 32 << 10 // bytes that are read at once of each
)

// add takes an entry.
func (s *sorter) add(begin int64, entry []byte) {
	if s.err != nil {
		return
	}
	s.items = append(s.items, item{begin, len(s.piece), len(entry)})
	s.piece = append(s.piece, entry...)
	if len(s.piece)+len(s.items)*24 >= s.limit {
		s.err = s.spill()
	}
}

// spill moves the piece to the file. A goroutine of its own does that: who adds entries parses what
// others wrote, on a thread that may not be allowed to create files.
func (s *sorter) spill() error {
	done := make(chan error)
	go func() { done <- s.move() }()
	return <-done
}

// move is spill on the calling goroutine.
func (s *sorter) move() error {
	if s.file == nil {
		f, err := os.CreateTemp("", "h2trace-har-*")
		if err != nil {
			return fmt.Errorf("sort entries: %w", err)
		}
		_ = os.Remove(f.Name()) // Windows removes it at the end
		s.file = f
	}
	s.sort()
	err := s.write(func(w *runWriter) error {
		for _, i := range s.items {
			w.begin(i.begin, int64(i.len))
			_, _ = w.Write(s.piece[i.at : i.at+i.len]) // an error comes again
		}
		return nil
	})
	s.piece, s.items = s.piece[:0], s.items[:0]
	if cap(s.piece) > 2*s.limit {
		s.piece = nil
	}
	if err == nil && len(s.runs) == maxRuns {
		runs := s.runs
		s.runs = nil
		err = s.write(func(w *runWriter) error {
			return s.merge(runs, func(begin, length int64, entry io.Reader) error {
				w.begin(begin, length)
				_, err := io.Copy(w, entry)
				return err
			})
		})
	}
	return err
}

func (s *sorter) sort() {
	slices.SortStableFunc(s.items, func(a, b item) int { return cmp.Compare(a.begin, b.begin) })
}

// runWriter writes a run at the end of the file.
type runWriter struct{ *bufio.Writer }

// begin begins an entry.
func (w *runWriter) begin(begin, length int64) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], uint64(begin))
	binary.LittleEndian.PutUint64(b[8:], uint64(length))
	_, _ = w.Write(b[:]) // an error comes again
}

// write adds the run that f writes.
func (s *sorter) write(f func(*runWriter) error) error {
	to := io.NewOffsetWriter(s.file, s.size)
	w := &runWriter{bufio.NewWriterSize(to, 256<<10)}
	err := f(w)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return fmt.Errorf("sort entries: %w", err)
	}
	end, _ := to.Seek(0, io.SeekCurrent) // it fails for other arguments alone
	s.runs = append(s.runs, run{s.size, end})
	s.size += end
	return nil
}

// each calls f with each entry in order, and then removes the file. f must read all of it.
func (s *sorter) each(f func(entry io.Reader) error) error {
	if s.file != nil {
		defer func() {
			_ = s.file.Close()
			_ = os.Remove(s.file.Name())
		}()
	}
	if s.err != nil {
		return s.err
	}
	if s.file == nil {
		s.sort()
		for _, i := range s.items {
			if err := f(bytes.NewReader(s.piece[i.at : i.at+i.len])); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.spill(); err != nil {
		return err
	}
	return s.merge(s.runs, func(_, _ int64, entry io.Reader) error { return f(entry) })
}
