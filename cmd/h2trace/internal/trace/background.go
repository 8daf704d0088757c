//go:build linux

package trace

// background runs work while records are read, one piece at a time.
type background struct {
	done chan func() // what to do when the work is done
	busy bool
}

func newBackground() *background { return &background{done: make(chan func(), 1)} }

// run runs f. poll or wait then runs what f returns.
func (b *background) run(f func() (then func())) {
	b.busy = true
	go func() { b.done <- f() }()
}

// poll completes finished work.
func (b *background) poll() {
	select {
	case then := <-b.done:
		b.busy = false
		then()
	default:
	}
}

// wait waits for the work, and completes it.
func (b *background) wait() {
	if b.busy {
		(<-b.done)()
		b.busy = false
	}
}
