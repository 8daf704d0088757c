//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/output"
	"h2trace/cmd/h2trace/internal/trace"
	"h2trace/export"
)

// tracer is the part of h2trace that knows the kernel: it observes processes
// and writes their events.
type tracer interface {
	// AttachCommand puts the probes in place for the process that is about to
	// execute path. When it returns nil, every byte from then on is seen.
	AttachCommand(pid int, path string) error
	// AttachRunning puts the probes in place for running processes, by their
	// ids and by the names of their executables, and for what they start.
	// Without names it fails when there is nothing to observe in any of them.
	AttachRunning(pids []int, names []string) error
	// Observe writes events until ctx is done, until every target has exited,
	// or until writing fails. Then it drains what the kernel still holds and
	// writes the summary. It is called once, after Attach.
	Observe(ctx context.Context) error
	// Close lets go of the probes. It is safe after any failure.
	Close() error
}

// tracerFunc makes a tracer that writes to out. It is called after COMMAND's
// process exists, because loading programs changes limits that are inherited.
type tracerFunc func(opts Options, out *output.Output, msg *message.Printer) (tracer, error)

// session is one observation from its output to its exit status.
type session struct {
	opts    Options
	out     *output.Output
	msg     *message.Printer
	tracer  tracerFunc
	sum     *overview       // nil if nobody wants it
	top     *topRun         // nil if it is not top that observes
	metrics *metricsRun     // of --metrics, nil for none
	keys    *output.Secrets // of --keylog, nil for none
	packets *output.Packets // of --pcap, nil for none
	otlp    *otlpRun        // of --otlp, nil for none
}

// openSession opens the output, whose owner is that of COMMAND if it has another user.
func openSession(opts Options, owner *launch.Account, msg *message.Printer, newTracer tracerFunc) (*session, error) {
	if err := fitMemory(&opts, msg); err != nil {
		return nil, err
	}
	s := &session{opts: opts, msg: msg, tracer: newTracer}
	if opts.Keys != "" {
		keys, err := output.OpenSecrets(opts.Keys, owner, msg)
		if err != nil {
			return nil, err
		}
		s.keys, s.opts.KeyLog = keys, keys
	}
	openOutput := output.Open
	if opts.Append {
		openOutput = output.Append
	}
	out, err := openOutput(opts.Output, owner, msg)
	if err != nil {
		return nil, err
	}
	if s.out = out; s.keys != nil && s.keys.Is(out.File()) {
		return nil, fmt.Errorf("%s is for events and for session secrets: name another file for one of them", opts.Output)
	}
	if opts.Packets.Path != "" {
		packets, err := output.OpenPackets(opts.Packets, owner, msg)
		if err != nil {
			return nil, err
		}
		s.packets, s.opts.PacketFiles, s.opts.KeyedFiles = packets, packets, packets.Secrets
		if packets.Is(out.File()) || s.keys != nil && packets.Is(s.keys.File()) {
			return nil, fmt.Errorf("%s is for packets and for something else: name another file for one of them", opts.Packets.Path)
		}
	}
	if opts.ShowSecrets && !opts.Sum { // the report of -c has none
		msg.Infof(secretsShown)
	}
	if f := opts.lines.formatter(out.File()); f != nil {
		s.opts.Format = f.Append
	}
	if s.metrics, err = newMetricsRun(&s.opts, msg); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	if s.otlp, err = newOTLPRun(&s.opts, &s.metrics, msg); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	if opts.Top.wanted {
		s.top, err = newTopRun(&s.opts, msg)
	} else {
		s.sum = newOverview(&s.opts)
	}
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return s, nil
}

// runAttach observes processes that are there already.
func runAttach(opts Options, msg *message.Printer, newTracer tracerFunc) int {
	launch.IgnoreBrokenPipes()
	s, err := openSession(opts, nil, msg, newTracer)
	if err != nil {
		msg.Errorf("%v", err)
		return exitRuntime
	}
	ctx, stop := launch.UntilSignalled(context.Background(), s.hangUp())
	defer stop()
	return s.finish(s.attachAndObserve(ctx), exitOK, exitRuntime)
}

// hangUp returns what to do at SIGHUP, or nil for ending the observation. Without a terminal that
// could hang up, SIGHUP asks for the file of -o to be opened again, as it does of other services.
func (s *session) hangUp() func() {
	if onOwnTerminal() || !s.out.Reopens() {
		return nil
	}
	return func() {
		if err := s.out.Reopen(); err != nil {
			s.msg.Errorf("%v", err)
			return
		}
		s.msg.Infof("SIGHUP: opened %s again", s.opts.Output)
	}
}

func (s *session) attachAndObserve(ctx context.Context) error {
	t, err := s.attach(func(t tracer) error { return t.AttachRunning(s.opts.PIDs, s.opts.Names) })
	if err != nil {
		return err
	}
	ctx, cancel := s.observation(ctx)
	defer cancel(nil)
	notify(daemon.SdNotifyReady, s.msg)
	defer context.AfterFunc(ctx, func() { notify(daemon.SdNotifyStopping, s.msg) })()
	s.top.show(ctx, cancel)
	s.top.protect(func() { err = t.Observe(ctx) })
	err = errors.Join(err, t.Close())
	if err == nil && ctx.Err() == nil {
		s.top.linger(ctx, "all targets have exited")
	}
	return err
}

// runCommand runs COMMAND and observes it.
func runCommand(opts Options, msg *message.Printer, newTracer tracerFunc) int {
	// First of all, as asking for signals changes what is found here.
	l := launch.Spec{Args: opts.Command, Env: os.Environ(), Stdout: 1, Stderr: 2, Signals: launch.InheritedSignals()}
	launch.IgnoreBrokenPipes()
	if output.IsStdout(opts.Output) || opts.Packets.Path == "-" {
		l.Stdout = 2
	}
	if opts.User != "" {
		account, err := launch.LookupAccount(opts.User)
		if err != nil {
			msg.Errorf("%v", err)
			return launch.NotRun
		}
		l.User, l.Env = account, account.WithOwnPath(account.Environ(l.Env))
	}
	if hint := launch.SudoHint(opts.Command[0], opts.User); hint != "" {
		msg.Infof("%s", hint)
	}
	s, err := openSession(opts, l.User, msg, newTracer)
	if err != nil {
		msg.Errorf("%v", err)
		return launch.NotRun
	}
	s.top.redirect(&l)
	return s.launchAndObserve(l)
}

// launchAndObserve starts the launcher, attaches to it, lets it become COMMAND,
// and returns the status to exit with when COMMAND has ended.
func (s *session) launchAndObserve(l launch.Spec) int {
	signals := launch.RelaySignals()
	defer signals.Stop()
	cmd, err := launch.Start(l)
	if err != nil {
		return s.notLaunched(err)
	}
	signals.To(cmd)
	s.opts.Path = cmd.Path()
	t, err := s.attach(func(t tracer) error { return t.AttachCommand(cmd.PID(), cmd.Path()) })
	if err != nil {
		cmd.Abort()
		return s.finish(err, launch.NotRun, launch.NotRun)
	}
	ctx, cancel := s.observation(signals.Within(context.Background()))
	defer cancel(nil)
	var observeErr error
	observed := make(chan struct{})
	go func() {
		defer close(observed)
		s.top.protect(func() { observeErr = s.explain(t.Observe(ctx)) }) // now, and not when COMMAND ends
		observeErr = errors.Join(observeErr, s.explain(t.Close()))
	}()
	if err := cmd.Release(); err != nil {
		cancel(trace.ErrNotRun)
		<-observed
		cmd.Abort()
		return s.notLaunched(err)
	}
	s.top.show(ctx, cancel)
	status, err := cmd.Wait()
	if err != nil {
		s.msg.Errorf("wait for %s: %v", s.opts.Command[0], err)
	}
	s.top.commandEnded()
	if !s.top.live() {
		signals.CommandEnded()
	}
	cancel(nil)
	<-observed
	s.top.linger(context.Background(), ended(s.opts.Command[0], status))
	return s.finish(observeErr, status, launch.NotRun)
}

// attach makes a tracer and attaches it to what the function says.
func (s *session) attach(to func(tracer) error) (tracer, error) {
	percent := debug.SetGCPercent(-1) // most of what is allocated here stays, 10 MB
	t, err := s.tracer(s.opts, s.out, s.msg)
	debug.SetGCPercent(percent)
	if err != nil {
		return nil, err
	}
	if err := to(t); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	s.metrics.observes(t)
	return t, nil
}

// observation returns the context of Observe: it ends with parent, after
// --duration, and when nobody is left to read the events.
func (s *session) observation(parent context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	var timeout <-chan time.Time // nil: never
	if s.opts.Duration > 0 {
		timeout = time.After(s.opts.Duration)
	}
	go func() {
		select {
		case <-ctx.Done():
		case <-s.out.Gone():
		case <-s.packets.Gone():
		case <-timeout:
			if !s.opts.Top.Once {
				s.msg.Infof("%s", durationOver(s.opts))
			}
		}
		cancel(nil)
		s.out.Ending()
		s.packets.Ending()
	}()
	return ctx, cancel
}

// errExplained stands for an error that was printed already.
var errExplained = errors.New("explained")

// explain prints an error and returns errExplained for it. A reader that left
// is no error.
func (s *session) explain(err error) error {
	if err == nil || errors.Is(err, export.ErrReaderGone) {
		return nil
	}
	if !errors.Is(err, errExplained) {
		s.msg.Errorf("%v", err)
	}
	return errExplained
}

// finish prints the report, if that is wanted, and closes the output. It prints what went
// wrong and is not printed yet, then the overview, and returns the status of success or of
// failure.
func (s *session) finish(err error, success, failure int) int {
	err = s.explain(err)
	s.otlp.close()
	if printErr := s.explain(errors.Join(s.sum.print(s.out), s.top.end(s.out))); err == nil {
		err = printErr
	}
	s.metrics.end()
	if closeErr := s.out.Close(); err == nil {
		err = s.explain(closeErr)
	}
	if s.keys != nil {
		if closeErr := s.explain(s.keys.Close()); err == nil {
			err = closeErr
		}
	}
	if closeErr := s.explain(s.packets.Close()); err == nil {
		err = closeErr
	}
	s.sum.say(s.msg)
	s.otlp.say(s.msg)
	if err != nil {
		return failure
	}
	return success
}

// notLaunched ends a session whose COMMAND could not be run.
func (s *session) notLaunched(err error) int {
	s.sum = nil
	status := launch.NotRun
	if launchErr, ok := errors.AsType[*launch.Error](err); ok {
		status = launchErr.ExitStatus()
	}
	return s.finish(err, status, status)
}

// durationOver says that --duration has ended the observing, but not COMMAND.
func durationOver(opts Options) string {
	s := fmt.Sprintf("stopped observing after %s", opts.Duration)
	if len(opts.Command) > 0 {
		s += fmt.Sprintf("; %s runs on", opts.Command[0])
	}
	return s
}

// ended says how COMMAND ended.
func ended(command string, status int) string {
	return fmt.Sprintf("%s has ended with status %d", command, status)
}
