package trace

// background is work beside the reading of records, one piece at a time.
type background struct {
	done chan func() // what to do when the work is done
	busy bool
}

func newBackground() *background { return &background{done: make(chan func(), 1)} }

// run runs f. What f returns runs later, in poll or wait.
func (b *background) run(f func() (then func())) {
	b.busy = true
	go func() { b.done <- f() }()
}

// poll ends work that is done.
func (b *background) poll() {
	select {
	case then := <-b.done:
		b.busy = false
		then()
	default:
	}
}

// wait returns after the work is done and ended.
func (b *background) wait() {
	if b.busy {
		(<-b.done)()
		b.busy = false
	}
}
