package trace

import (
	"errors"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/recover"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// recovery gives connections their header tables and windows that were built before the
// capture, or in bytes that were lost. It carries out what package recover decides.
type recovery struct {
	kernel   kernel
	attached stateProbes
	msg      *message.Printer
	paths    func() []string // of the executables that targets run

	conns    map[uint64]*tracedConn // that want something
	probes   recover.Probes
	tables   recover.Tables
	buffered int           // bytes that decoders hold, see maxBuffered
	working  chan struct{} // closed when the last begin or end is done
}

func newRecovery(k kernel, p stateProbes, msg *message.Printer, paths func() []string) *recovery {
	done := make(chan struct{})
	close(done)
	return &recovery{kernel: k, attached: p, msg: msg, paths: paths, conns: make(map[uint64]*tracedConn), working: done}
}

// prepare has what the probes take loaded, beside the reading of records, so that
// it is there when bytes are lost. An error comes again with begin.
func (r *recovery) prepare() {
	done := make(chan struct{})
	r.working = done
	go func() {
		defer close(done)
		_ = r.attached.Prepare()
	}()
}

// await attaches the probes with those of processes that run already, whose
// connections are not known yet.
func (r *recovery) await() error {
	r.probes.Rest(time.Now())
	return r.attached.Begin(nil)
}

// want enters a connection whose tables and windows are not known.
func (r *recovery) want(c *tracedConn) {
	if c.missing == nil {
		c.missing = &missingState{hold: &recover.HoldRecords}
		if c.cleartext != nil {
			c.missing.hold = &recover.HoldPackets
		}
	}
	r.conns[c.id] = c
	r.probes.Change()
	r.begin() // what follows in the same record is held for its table
	c.missing.windows = recover.Windows{}
	c.askMissing(true)
}

// askAll asks for the tables of a connection that are missing, and for windows.
func (r *recovery) askAll(c *tracedConn, windows bool) error {
	var err error
	if windows {
		err = r.askWindows(c)
	}
	return errors.Join(err, r.ask(c))
}

// begin attaches the probes unless they are, or were a moment ago.
func (r *recovery) begin() {
	if r.atWork() || !r.probes.Begin(time.Now(), len(r.conns)) {
		return
	}
	paths := r.paths()
	r.work(func() error { return r.attached.Begin(paths) })
}

// atWork reports whether probes are being attached or detached.
func (r *recovery) atWork() bool {
	select {
	case <-r.working:
		return false
	default:
		return true
	}
}

// ask tells the kernel which tables of c are wanted.
func (r *recovery) ask(c *tracedConn) error {
	tables := c.missing.asks.Next([2]bool{c.decoder.TableKnown(decoder.Send), c.decoder.TableKnown(decoder.Recv)})
	if tables == [2]uint32{} && c.missing.windowsSettled(c.decoder) {
		r.leave(c)
		return nil
	}
	_, err := r.kernel.Wish(c.id, bpf.Wish{Tables: &tables})
	return err
}

// leave drops a connection that wants no tables any more.
func (r *recovery) leave(c *tracedConn) {
	if c.missing == nil {
		return
	}
	c.release()
	c.missing = nil
	c.decoder.ForgoWindows()
	delete(r.conns, c.id)
	r.probes.Change()
	c.table.requests.left = append(c.table.requests.left, c.id)
}

// tick feeds what was held for too long, lets go of the connections that want
// nothing any more, and attaches and detaches the probes.
func (r *recovery) tick(now ktime.Time, idle bool) error {
	for _, c := range r.conns {
		if c.missing.isOld(c.decoder, now) {
			c.missing.vain++
			c.release()
		}
		if idle && c.missing != nil && !c.decoder.Holds() {
			c.decoder.Quiet(now)
		}
		if c.missing != nil && c.missing.settled(c.decoder) {
			r.leave(c)
		}
	}
	if r.begin(); !r.probes.On() || r.atWork() {
		return nil
	}
	hits, err := r.attached.Hits()
	if err == nil && r.probes.Over(hits, len(r.conns)) {
		r.end()
	}
	return err
}

func (r *recovery) end() {
	for _, c := range r.conns {
		r.leave(c)
	}
	r.tables = recover.Tables{}
	r.work(r.attached.End)
}

// work runs f beside the reading of records: it takes milliseconds.
func (r *recovery) work(f func() error) {
	done := make(chan struct{})
	r.working = done
	go func() {
		defer close(done)
		if err := f(); err != nil {
			r.msg.Errorf("%v", err)
		}
	}()
}

// wait returns when what was begun is done.
func (r *recovery) wait() { <-r.working }
