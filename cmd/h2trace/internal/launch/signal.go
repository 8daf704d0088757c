package launch

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// IgnoreBrokenPipes makes writes to a pipe without reader return EPIPE on
// descriptors 1 and 2 too: a reader of messages that leaves is no reason to end
// the observing. COMMAND is unaffected, see InheritedSignals.
func IgnoreBrokenPipes() { signal.Ignore(unix.SIGPIPE) }

// UntilSignalled returns a context that ends with the first SIGINT, SIGTERM or
// SIGHUP. The second one ends h2trace at once, for when it cannot drain because
// nobody reads its output. Under nohup(1), SIGHUP stays ignored.
func UntilSignalled(parent context.Context) (context.Context, context.CancelFunc) {
	signals := []os.Signal{unix.SIGINT, unix.SIGTERM}
	if !signal.Ignored(unix.SIGHUP) {
		signals = append(signals, unix.SIGHUP)
	}
	var got caught
	ctx, cancel := context.WithCancel(got.Within(parent))
	first := make(chan os.Signal, 1)
	signal.Notify(first, signals...)
	go func() {
		select {
		case sig := <-first:
			got.note(sig)
		case <-ctx.Done():
		}
		signal.Stop(first) // before anyone can see the end of ctx
		cancel()
	}()
	return ctx, cancel
}

// caught is the first signal that h2trace was sent while it observes. The zero value
// is ready.
type caught struct{ first atomic.Int32 }

type caughtKey struct{}

// Within returns a context with which SignalName finds it.
func (c *caught) Within(parent context.Context) context.Context {
	return context.WithValue(parent, caughtKey{}, c)
}

func (c *caught) note(sig os.Signal) {
	if n, ok := sig.(syscall.Signal); ok {
		c.first.CompareAndSwap(0, int32(n))
	}
}

// SignalName returns the name of the signal that came within a context, or "".
func SignalName(ctx context.Context) string {
	c, ok := ctx.Value(caughtKey{}).(*caught)
	if !ok || c.first.Load() == 0 {
		return ""
	}
	return unix.SignalName(syscall.Signal(c.first.Load()))
}

// Relay is what becomes of signals while COMMAND runs. SIGTERM and SIGHUP are
// passed on to it. SIGINT and SIGQUIT come from the terminal, which sends them
// to COMMAND as well, so h2trace only has to outlive them.
type Relay struct {
	caught
	signals chan os.Signal
	done    chan struct{}
	once    sync.Once
}

// RelaySignals begins to hold signals back.
func RelaySignals() *Relay {
	r := &Relay{signals: make(chan os.Signal, 16), done: make(chan struct{})}
	signal.Notify(r.signals, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP)
	return r
}

// To passes on the signals that came since RelaySignals and those to come.
func (r *Relay) To(cmd *Command) {
	go func() {
		for {
			select {
			case sig := <-r.signals:
				r.note(sig)
				if sig == unix.SIGTERM || sig == unix.SIGHUP {
					_ = cmd.signal(sig) // it may have ended just now
				}
			case <-r.done:
				return
			}
		}
	}()
}

// Stop gives signals their usual effect on h2trace again.
func (r *Relay) Stop() {
	r.once.Do(func() {
		signal.Stop(r.signals)
		close(r.done)
	})
}
