//go:build linux

package trace

import (
	"errors"

	"h2trace/bpf"
)

func (o *Observer) handle(e bpf.Event) error {
	err := errors.Join(o.take(e), o.conns.send())
	o.packetsUpTo(e.Header().Time)
	return err
}

// take hands an event to what it is for. It alone looks at the type of an event.
func (o *Observer) take(e bpf.Event) error {
	o.records++
	o.read = max(o.read, e.Header().Time)
	switch e := e.(type) {
	case *bpf.Data:
		if !o.tooLate() {
			o.conns.data(e)
		}
	case *bpf.Segment:
		if !o.tooLate() {
			o.conns.segment(e)
		}
	case *bpf.Open:
		o.conns.open(e)
	case *bpf.Close:
		return o.conns.close(e)
	case *bpf.Table:
		o.conns.recovery.table(e)
	case *bpf.Block:
		o.conns.recovery.block(e)
	case *bpf.Windows:
		return o.conns.recovery.windows(e)
	case *bpf.Handshake:
		o.conns.handshake(e)
	case *bpf.HandshakeFailed:
		o.conns.handshakeFailed(e)
	case *bpf.Secret:
		o.keyLog.write(e)
		if o.packets != nil {
			o.packets.Secret(e)
		}
		o.conns.secret(e)
	case *bpf.Spot:
		o.conns.spotted(e)
	case *bpf.DNS:
		o.conns.resolver.packet(e)
	case *bpf.Hello:
		o.conns.hellos.packet(e.PID, e.Time, &e.Packet)
	case *bpf.QUIC:
		return o.conns.quic.packet(e)
	case *bpf.Released:
		return o.conns.quic.released(e)
	case *bpf.SocketLeft:
		o.sockets.left(&e.Socket, e.Time)
	case *bpf.ConnectFailed:
		o.conns.resolver.connectFailed(e)
		o.sockets.connectFailed(e)
	case *bpf.Message:
		o.complain(e)
	case *bpf.Field:
		o.conns.verifier.Field(e)
	case *bpf.List:
		o.conns.list(e)
	case *bpf.Exec:
		return o.exec(e)
	case *bpf.Exit:
		return o.exit(e)
	case *bpf.Lock:
		o.locks.take(e)
	}
	return nil
}

// exec takes that a process runs a new program: what the one before had open ends, but the
// sockets that the new one has, too.
func (o *Observer) exec(e *bpf.Exec) error {
	err := o.conns.endProcess(e.PID, e.Time, o.sockets.take(e.PID))
	o.conns.resolver.end(e.PID)
	o.conns.exchanges.fetches.End(e.PID)
	o.complaints.exec(o.processes.Exec(e))
	return err
}

// exit takes the end of a process.
func (o *Observer) exit(e *bpf.Exit) error {
	o.exited = true
	err := o.conns.endProcess(e.PID, e.Time, nil)
	o.conns.resolver.leave(e.PID, e.Time)
	o.conns.exchanges.fetches.End(e.PID)
	o.sockets.exit(e.PID, e.Time)
	o.locks.end(e.PID, e.Time)
	for _, said := range o.complaints.exit(e.PID, e.Code()) {
		o.processes.Print(&said.proc, said.event)
	}
	o.processes.Exit(e)
	return err
}
