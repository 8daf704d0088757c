//go:build linux

package trace

import (
	"context"
	"time"

	"h2trace/bpf"
)

// prepareAfter is how long COMMAND runs before what it may need is loaded. Most
// commands that end sooner need none of it.
const prepareAfter = 20 * time.Millisecond

// preparation loads programs in the background, before targets need them.
type preparation struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// prepare begins to load programs.
func prepare(c *bpf.Collector) preparation {
	ctx, cancel := context.WithCancel(context.Background())
	p := preparation{cancel, make(chan struct{})}
	go func() {
		defer close(p.done)
		select {
		case <-ctx.Done():
		case <-time.After(prepareAfter):
			_ = c.Prepare(ctx) // who needs a program meets its error
		}
	}()
	return p
}

// end loads no more, and waits for what is being loaded.
func (p preparation) end() {
	p.cancel()
	<-p.done
}
