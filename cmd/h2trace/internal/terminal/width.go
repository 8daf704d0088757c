package terminal

import (
	"os"
	"time"
)

// Width is the width of a terminal, which may change.
type Width struct {
	of   *os.File
	n    int
	next time.Time
}

// looks is how long a width is taken to stay.
const looks = 200 * time.Millisecond

// NewWidth returns the Width of a terminal, nil if f is none.
func NewWidth(f *os.File) *Width {
	if !Is(f) {
		return nil
	}
	return &Width{of: f}
}

// Columns returns how many columns there are, 0 if that is not known.
func (w *Width) Columns() int {
	if now := time.Now(); !now.Before(w.next) {
		w.n, w.next = columns(w.of), now.Add(looks)
	}
	return w.n
}
