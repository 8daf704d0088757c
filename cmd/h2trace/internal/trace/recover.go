package trace

import (
	"errors"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/recover"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// recovery recovers header tables and windows from before the capture, or from lost
// bytes. It carries out what package recover decides.
type recovery struct {
	kernel kernel
	probes *passingProbes

	off      bool                   // there is nothing to recover from: a capture
	conns    map[uint64]*tracedConn // that want something
	tables   recover.Tables
	buffered int // bytes that decoders hold, see maxBuffered
}

func newRecovery(k kernel, p probes, msg *message.Printer, paths func() []string) *recovery {
	return &recovery{kernel: k, probes: newPassingProbes(p, msg, paths), conns: make(map[uint64]*tracedConn)}
}

// probedID is the number of a connection for the probes.
func (c *tracedConn) probedID() uint64 {
	if c.outer != nil {
		return bpf.TLSIn(c.outer.id)
	}
	return c.id
}

// want enters a connection whose tables and windows are unknown. Each loss starts anew:
// what was asked for in vain before says nothing of what comes after it.
func (r *recovery) want(c *tracedConn) {
	if r.off {
		c.decoder.ForgoWindows()
		return
	}
	if c.outer != nil && (c.outer.wire.tls != nil || c.outer.outer != nil) {
		return // the probes do not look into TLS inside of TLS
	}
	if c.missing == nil {
		c.missing = &missingState{hold: &recover.HoldRecords}
		if c.wire != nil {
			c.missing.hold = &recover.HoldPackets
			c.wire.keepPlaces(true)
		}
	}
	r.conns[c.probedID()] = c
	r.probes.Change()
	r.probes.begin(len(r.conns)) // what follows in the same record is held for its table
	c.missing.asks, c.missing.windows = recover.Asks{}, recover.Windows{}
	c.askMissing(true)
}

// awaitsKeys reports whether nothing of a TLS connection is opened yet. What is copied
// first is of use for what waits; more is asked for when that is opened.
func (c *tracedConn) awaitsKeys() bool {
	return c.wire != nil && c.wire.tls != nil && !c.wire.tls.over
}

// askAll asks for the missing tables of a connection, and for its windows if windows is
// set.
func (r *recovery) askAll(c *tracedConn, windows bool) error {
	var err error
	if windows {
		err = r.askWindows(c)
	}
	return errors.Join(err, r.ask(c))
}

// ask asks the kernel for the missing tables of c.
func (r *recovery) ask(c *tracedConn) error {
	tables := c.missing.asks.Next([2]bool{c.decoder.TableKnown(decoder.Send), c.decoder.TableKnown(decoder.Recv)})
	if tables == [2]uint32{} && c.missing.windowsSettled(c.decoder) {
		r.leave(c)
		return nil
	}
	_, err := r.kernel.Wish(c.probedID(), bpf.Wish{Tables: &tables})
	return err
}

// leave drops a connection that wants nothing any more.
func (r *recovery) leave(c *tracedConn) {
	if c.missing == nil {
		return
	}
	c.release()
	c.missing = nil
	if c.wire != nil {
		c.wire.keepPlaces(false)
	}
	c.decoder.ForgoWindows()
	delete(r.conns, c.probedID())
	r.probes.Change()
	c.table.requests.left = append(c.table.requests.left, c.probedID())
}

// tick decodes bytes that the decoder has held for too long, drops connections that
// want nothing any more, and attaches and detaches the probes.
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
	r.probes.begin(len(r.conns))
	over, err := r.probes.over(len(r.conns))
	if over {
		r.end()
	}
	return err
}

func (r *recovery) end() {
	for _, c := range r.conns {
		r.leave(c)
	}
	r.tables = recover.Tables{}
	r.probes.end()
}
