package launch

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// IgnoreBrokenPipes makes writes to a pipe without reader return EPIPE on
// descriptors 1 and 2 too: a reader of messages that leaves is no reason to end
// the observing. COMMAND is unaffected, see InheritedSignals.
func IgnoreBrokenPipes() { signal.Ignore(unix.SIGPIPE) }

// onePress is how long signals count as the one that is being obeyed already.
// Ctrl-C reaches COMMAND and h2trace in any order, even after COMMAND has ended by
// it, and timeout(1) sends every signal twice.
const onePress = time.Second

// UntilSignalled returns a context that ends with the first SIGINT, SIGTERM or
// SIGHUP. One that comes a second later ends h2trace at once, for when it cannot
// drain because nobody reads its output. Under nohup(1), SIGHUP stays ignored.
func UntilSignalled(parent context.Context) (context.Context, context.CancelFunc) {
	return untilSignalled(parent, onePress)
}

func untilSignalled(parent context.Context, press time.Duration) (context.Context, context.CancelFunc) {
	signals := []os.Signal{unix.SIGINT, unix.SIGTERM}
	if !signal.Ignored(unix.SIGHUP) {
		signals = append(signals, unix.SIGHUP)
	}
	var got caught
	ctx, cancel := context.WithCancel(got.Within(parent))
	come := make(chan os.Signal, 1)
	signal.Notify(come, signals...)
	over := make(chan struct{})
	go func() {
		defer signal.Stop(come)
		select {
		case sig := <-come:
			got.note(sig)
			end := time.Now().Add(press)
			cancel()
			obey(come, end, over)
		case <-over:
		}
	}()
	return ctx, sync.OnceFunc(func() {
		close(over)
		cancel()
	})
}

// obey ends h2trace by the first signal that comes when the press that is being
// obeyed has ended, until over is closed.
func obey(signals <-chan os.Signal, end time.Time, over <-chan struct{}) {
	for {
		select {
		case sig := <-signals:
			heed(sig, end)
		case <-over:
			return
		}
	}
}

// heed ends h2trace by a signal, if the press that is being obeyed has ended.
func heed(sig os.Signal, end time.Time) {
	if !time.Now().Before(end) {
		signal.Reset(sig)
		_ = unix.Kill(unix.Getpid(), sig.(syscall.Signal))
	}
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
	press       time.Duration // onePress, but in tests
	signals     chan os.Signal
	ended, over chan struct{} // closed when COMMAND has ended, and by Stop
	end         time.Time     // of the press that COMMAND may have ended by, with ended
	stop        func()
}

// RelaySignals begins to hold signals back.
func RelaySignals() *Relay {
	r := &Relay{press: onePress, signals: make(chan os.Signal, 16), ended: make(chan struct{}), over: make(chan struct{})}
	r.stop = sync.OnceFunc(func() {
		signal.Stop(r.signals)
		close(r.over)
	})
	signal.Notify(r.signals, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP)
	return r
}

// To passes on the signals that came since RelaySignals and those to come.
func (r *Relay) To(cmd *Command) {
	go func() {
		for {
			select {
			case sig := <-r.signals:
				select {
				case <-r.ended: // both came before this goroutine ran
					heed(sig, r.end)
					continue
				default:
				}
				r.note(sig)
				if sig == unix.SIGTERM || sig == unix.SIGHUP {
					_ = cmd.signal(sig) // it may have ended just now
				}
			case <-r.ended:
				obey(r.signals, r.end, r.over)
				return
			case <-r.over:
				return
			}
		}
	}()
}

// CommandEnded is to be called once, when COMMAND has ended: from a second later
// on, signals end h2trace, should its reader not let it drain.
func (r *Relay) CommandEnded() {
	r.end = time.Now().Add(r.press)
	close(r.ended)
}

// Stop gives signals their usual effect on h2trace again.
func (r *Relay) Stop() { r.stop() }
