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

// IgnoreBrokenPipes makes writes to a pipe without reader return EPIPE on descriptors
// 1 and 2 too: the capture continues when a reader of messages leaves. COMMAND is
// unaffected, see InheritedSignals.
func IgnoreBrokenPipes() { signal.Ignore(unix.SIGPIPE) }

// onePress is how long further signals count as the first one. Ctrl-C reaches COMMAND
// and h2trace in any order, even after it has ended COMMAND, and timeout(1) sends
// every signal twice.
const onePress = time.Second

// UntilSignalled returns a context that ends with the first SIGINT, SIGTERM or
// SIGHUP. Another one a second later ends h2trace at once, in case it cannot drain
// because nobody reads its output. Under nohup(1), SIGHUP stays ignored. If hangUp is not
// nil, SIGHUP calls that instead.
func UntilSignalled(parent context.Context, hangUp func()) (context.Context, context.CancelFunc) {
	return untilSignalled(parent, onePress, hangUp)
}

func untilSignalled(parent context.Context, press time.Duration, hangUp func()) (context.Context, context.CancelFunc) {
	signals := []os.Signal{unix.SIGINT, unix.SIGTERM}
	over := make(chan struct{})
	switch {
	case signal.Ignored(unix.SIGHUP):
	case hangUp != nil:
		onHangUp(hangUp, over)
	default:
		signals = append(signals, unix.SIGHUP)
	}
	var got caught
	ctx, cancel := context.WithCancel(got.Within(parent))
	come := make(chan os.Signal, 1)
	signal.Notify(come, signals...)
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

// onHangUp calls f at each SIGHUP, until over is closed. Those that come while f runs are one.
func onHangUp(f func(), over <-chan struct{}) {
	come := make(chan os.Signal, 1)
	signal.Notify(come, unix.SIGHUP)
	go func() {
		defer signal.Stop(come)
		for {
			select {
			case <-come:
				f()
			case <-over:
				return
			}
		}
	}()
}

// obey ends h2trace at the first signal after the current press, until over is
// closed.
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

// heed ends h2trace by a signal, if the current press is over.
func heed(sig os.Signal, end time.Time) {
	if !time.Now().Before(end) {
		signal.Reset(sig)
		_ = unix.Kill(unix.Getpid(), sig.(syscall.Signal))
	}
}

// caught is the first signal that h2trace received during the capture. The zero value
// is ready.
type caught struct{ first atomic.Int32 }

type caughtKey struct{}

// Within returns a context in which SignalName finds it.
func (c *caught) Within(parent context.Context) context.Context {
	return context.WithValue(parent, caughtKey{}, c)
}

func (c *caught) note(sig os.Signal) {
	if n, ok := sig.(syscall.Signal); ok {
		c.first.CompareAndSwap(0, int32(n))
	}
}

// SignalName returns the name of the signal received within a context, or "".
func SignalName(ctx context.Context) string {
	c, ok := ctx.Value(caughtKey{}).(*caught)
	if !ok || c.first.Load() == 0 {
		return ""
	}
	return unix.SignalName(syscall.Signal(c.first.Load()))
}

// Relay handles signals while COMMAND runs. It passes SIGTERM and SIGHUP on to
// COMMAND. The terminal sends SIGINT and SIGQUIT to COMMAND as well, so h2trace only
// has to outlive them.
type Relay struct {
	caught
	press       time.Duration // onePress, except in tests
	signals     chan os.Signal
	ended, over chan struct{} // closed when COMMAND has ended, and by Stop
	end         time.Time     // of the press that may have ended COMMAND, with ended
	stop        func()
}

// RelaySignals starts to hold signals.
func RelaySignals() *Relay {
	r := &Relay{press: onePress, signals: make(chan os.Signal, 16), ended: make(chan struct{}), over: make(chan struct{})}
	r.stop = sync.OnceFunc(func() {
		signal.Stop(r.signals)
		close(r.over)
	})
	signal.Notify(r.signals, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP)
	return r
}

// To passes on the signals received since RelaySignals, and all later ones.
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

// CommandEnded says that COMMAND has ended; call it once. From a second later on,
// signals end h2trace, in case its reader blocks the drain.
func (r *Relay) CommandEnded() {
	r.end = time.Now().Add(r.press)
	close(r.ended)
}

// Stop restores the default effect of signals on h2trace.
func (r *Relay) Stop() { r.stop() }
