package top

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rivo/tview"

	"h2trace/export/top"
)

// Options says what a Screen shows at first, and how.
type Options struct {
	View    top.View
	Order   top.Order
	Delay   time.Duration // between two looks
	Of      string        // what is observed
	Notices *Notices
	Color   bool
	// Left is called when the terminal is as it was, before messages are printed. It may be nil.
	Left func()
}

// Screen shows a Model on the terminal. Show, Over and Close are for one goroutine.
type Screen struct {
	opts  Options
	model *top.Model
	app   *tview.Application
	tty   *tty

	quit    chan struct{} // closed when the user or the terminal ends it
	err     error         // why, to be read after quit
	closing sync.Once
	shown   atomic.Bool

	*view
}

// New returns a Screen. Nothing is drawn before Show.
func New(m *top.Model, o Options) (*Screen, error) {
	t, err := openTTY()
	if err != nil {
		return nil, err
	}
	o.Of = top.Safe(o.Of)
	s := &Screen{opts: o, model: m, tty: t, app: tview.NewApplication(), quit: make(chan struct{})}
	s.view = newView(s)
	return s, nil
}

// Show begins to draw.
func (s *Screen) Show() error {
	s.opts.Notices.hold()
	s.shown.Store(true)
	s.app.SetScreen(s.tty.screen)
	if err := s.tty.err; err != nil {
		close(s.quit)
		return fmt.Errorf("terminal: %w", err)
	}
	stop := make(chan struct{})
	go s.Protect(func() { s.look(stop) })
	go s.heedEnds(stop)
	go func() {
		defer close(s.quit)
		defer close(stop)
		s.err = s.app.Run()
	}()
	return nil
}

// Quit is closed when the user leaves, or the terminal is gone.
func (s *Screen) Quit() <-chan struct{} { return s.quit }

// look refreshes the view again and again. A slow terminal is asked to draw less often.
func (s *Screen) look(stop <-chan struct{}) {
	tick := time.NewTicker(s.opts.Delay)
	defer tick.Stop()
	s.update()
	for {
		select {
		case <-stop:
			return
		case now := <-tick.C:
			s.model.Tick(now)
			s.update()
		}
	}
}

// update has the view look at the model. It returns when that is drawn, or will not be.
func (s *Screen) update() {
	drawn := make(chan struct{})
	go func() {
		defer close(drawn)
		s.app.QueueUpdateDraw(func() { s.refresh(time.Now()) })
	}()
	select {
	case <-drawn:
	case <-s.quit:
	}
}

// Over says that the observation has ended, after a time: what is shown then stays.
func (s *Screen) Over(took time.Duration, how string) {
	s.model.Whole(took)
	go s.app.QueueUpdateDraw(func() { s.over(how) })
}

// patience is how long a terminal may take to be left as it was.
const patience = 2 * time.Second

// Close restores the terminal, and prints what was said meanwhile. It returns an error of the
// terminal. It is safe after any failure, and more than once.
func (s *Screen) Close() error {
	s.closing.Do(func() {
		if s.shown.Load() {
			s.stop()
		}
		if s.opts.Left != nil {
			s.opts.Left()
		}
		s.opts.Notices.release()
	})
	select {
	case <-s.quit:
		return terminalError(s.err)
	default:
		return nil
	}
}

// Protect calls f. If that panics, the terminal is left as it was, so that the message can be
// read. A nil Screen has none to leave.
func (s *Screen) Protect(f func()) {
	returned := false
	defer func() {
		if !returned && s != nil && s.shown.Load() {
			s.tty.screen.Fini()
		}
	}()
	f()
	returned = true
}

func (s *Screen) stop() {
	go s.app.QueueUpdate(s.app.Stop)
	select {
	case <-s.quit:
	case <-time.After(patience): // nobody reads what is written to it
		s.tty.restore()
	}
}

// terminalError returns why the screen ended by itself, nil if the user ended it.
func terminalError(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, syscall.EIO) {
		return nil // it is gone, as after a hang-up
	}
	return fmt.Errorf("terminal: %w", err)
}
