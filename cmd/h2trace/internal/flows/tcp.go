package flows

import (
	"h2trace/bpf"
	"h2trace/decoder/capture"
	tcpflow "h2trace/decoder/flow"
	"h2trace/decoder/ktime"
)

// tcp takes a segment.
func (t *Table) tcp(at ktime.Time, p *capture.Packet, s *capture.Segment) error {
	f, err := t.flowOf(at, keyOf(p, s), s)
	if f == nil || err != nil {
		return err
	}
	if f.pid == 0 || !f.opened {
		f.pid, f.comm = t.processOf(p, f.local)
	}
	f.inbound = f.inbound || p.Direction == capture.Inbound
	if err := t.add(at, f, s); err != nil || p.Direction != capture.Outbound {
		return err
	}
	return t.addToPeer(at, s)
}

// addToPeer takes a segment that goes to a process of the same capture, which has only what
// processes send (h2trace --pcap).
func (t *Table) addToPeer(at ktime.Time, s *capture.Segment) error {
	peer, ok := t.flows.peek(key{s.Dest, s.Source, true})
	if !ok || peer.inbound || s.Flags&(capture.SYN|capture.ACK) == capture.SYN {
		return nil
	}
	return t.add(at, peer, s)
}

// add takes a segment of a flow.
func (t *Table) add(at ktime.Time, f *flow, s *capture.Segment) error {
	dir := f.dirOf(s.Source)
	if f.copies.has(s, dir, at) {
		return nil
	}
	own, peer := &f.streams[dir], &f.streams[dir^1]
	if s.Flags&capture.SYN != 0 {
		t.handshake(at, f, s)
		return nil
	}
	if f.fastOpen { // its payload was not reported yet
		f.fastOpen = false
		if err := t.late(f); err != nil {
			return err
		}
	}
	switch {
	case f.opened || s.Length == 0:
	case !own.Begun():
		f.fromStart = false // what precedes its payload is not known
	case !peer.Begun():
		peer.unsure = f.fromStart // what it answers is not known
	}
	own.Begin(s.Seq)
	own.segments++
	if dir == bpf.Recv && s.Length > 0 && f.ttl == 0 {
		f.ttl = s.TTL
	}
	if f.acked == 0 && f.synAck != 0 && f.client(dir) {
		f.acked = at
	}
	if s.Flags&capture.ACK != 0 {
		peer.Acknowledge(s.Ack)
	}
	if s.Length > 0 && s.Flags&capture.RST == 0 {
		if err := t.payload(at, f, dir, s); err != nil {
			return err
		}
	}
	if err := t.giveUp(at, f); err != nil {
		return err
	}
	return t.ending(at, f, s)
}

// payload takes a segment with payload.
func (t *Table) payload(at ktime.Time, f *flow, dir int, s *capture.Segment) error {
	own := &f.streams[dir]
	offset, ok := own.Place(s.Seq)
	if !ok || f.carries == carriesOther {
		return nil
	}
	if dir == bpf.Recv && f.streams[bpf.Send].Ended() != 0 {
		f.after = true
	}
	if f.carries == carriesUnknown && len(s.Payload) > 0 {
		if f.fromStart && offset > 0 {
			return t.overtakes(at, f, s)
		}
		f.carries = f.judge(dir, offset, s)
		dir = f.dirOf(s.Source) // it may know now who is the client
		own = &f.streams[dir]
	}
	if f.carries != carriesHTTP && f.carries != carriesTLS {
		own.pass(offset + uint64(s.Length))
		f.waiting.take(&t.waiting)
		return nil
	}
	if !f.opened {
		if !f.fromStart { // the streams begin here
			own.rebase(offset)
			peer := &f.streams[dir^1]
			peer.rebase(max(peer.next, peer.Acked()))
			offset = 0
		}
		if err := t.openFlow(at, f); err != nil {
			return err
		}
	}
	known := own.add(offset, offset+uint64(s.Length))
	if !f.isWanted(dir, offset+uint64(len(s.Payload))) {
		return nil
	}
	if _, _, dropped := t.open.get(f.id); len(dropped) > 0 {
		if err := t.abandonNumbered(at, dropped); err != nil {
			return err
		}
	}
	err := t.report(at, f, dir, offset, s.Payload, 0)
	if err == nil {
		err = t.late(f)
	}
	if missing := uint64(s.Length - len(s.Payload)); missing > 0 && !known && err == nil {
		t.lose(own, bpf.Truncated, missing)
		err = t.report(at, f, dir, offset+uint64(s.Length), nil, 1<<bpf.Truncated)
	}
	return err
}

// overtakes takes a segment that came before the first one of its flow. If that does not come,
// the flow counts as one that was open before.
func (t *Table) overtakes(at ktime.Time, f *flow, s *capture.Segment) error {
	if f.waiting.add(s, at, &t.waiting) {
		return nil
	}
	f.fromStart = false
	if err := t.late(f); err != nil {
		return err
	}
	return t.payload(at, f, f.dirOf(s.Source), s)
}

// late takes the segments that waited for the first one.
func (t *Table) late(f *flow) error {
	list := f.waiting.take(&t.waiting)
	for i := range list {
		s := &list[i].Segment
		if err := t.payload(list[i].at, f, f.dirOf(s.Source), s); err != nil {
			return err
		}
	}
	return nil
}

// judge finds out what a flow carries. A segment of one that was open before may show who is
// its client.
func (f *flow) judge(dir int, offset uint64, s *capture.Segment) carries {
	b := s.Payload[:min(len(s.Payload), peek)]
	if f.fromStart {
		return carried(b, f.client(dir), true)
	}
	if f.role == bpf.RoleUnknown {
		switch begunBy(s.Payload) {
		case 1:
			f.fromStart = offset == 0 && f.streams[0].Reach()+f.streams[1].Reach() == 0 && tcpflow.Begins(s.Payload)
			f.begins(s.Source)
		case -1:
			f.begins(s.Dest)
		default:
			f.guessed()
		}
	}
	return carried(b, f.client(f.dirOf(s.Source)), f.fromStart)
}

// isWanted reports whether the engine wants a segment that ends at an offset.
func (f *flow) isWanted(dir int, end uint64) bool {
	return !f.over && !f.want.Nothing && end >= f.want.Until[dir]
}

// openFlow reports a connection.
func (t *Table) openFlow(at ktime.Time, f *flow) error {
	t.last++
	f.id, f.opened = bpf.PacketConn(f.wire(), t.last), true
	open := &bpf.Open{
		Head:  bpf.Head{Time: at, PID: f.pid, Conn: f.id},
		Local: f.local, Remote: f.remote(), Role: f.role, Handshake: f.fromStart, Wire: f.wire(), Comm: f.comm,
	}
	if f.role == bpf.RoleClient && f.syn != 0 && f.established() != 0 {
		open.ConnectStart, open.Established = f.syn, f.established()
	}
	if err := t.abandonNumbered(at, t.open.put(f.id, f)); err != nil {
		return err
	}
	t.ledger.SeenRecords++
	if err := t.engine.Take(open); err != nil {
		return err
	}
	for dir := range f.streams { // the payload of its first packets may not be captured
		own := &f.streams[dir]
		if own.next == 0 {
			continue
		}
		t.lose(own, bpf.Truncated, own.next)
		if err := t.report(at, f, dir, own.next, nil, 1<<bpf.Truncated); err != nil {
			return err
		}
	}
	return nil
}

// report reports bytes of a stream, or, of a reason, that bytes before an offset are lost.
func (t *Table) report(at ktime.Time, f *flow, dir int, offset uint64, b []byte, why bpf.Reasons) error {
	own, peer := &f.streams[dir], &f.streams[dir^1]
	t.segment = bpf.Segment{
		Head: bpf.Head{Time: at, PID: f.pid, Conn: f.id}, Wire: f.wire(), Dir: dir,
		Seq: own.records, Offset: offset, Payload: b, First: own.First(),
		Lost: why, LostRecords: own.lostRecords, LostBytes: own.lostBytes,
		PeerEnded: dir == bpf.Send && peer.Ended() != 0, Acked: peer.Needed(), Stale: peer.unsure,
	}
	peer.unsure = false
	own.records++
	t.ledger.SeenRecords++
	t.ledger.SeenBytes += uint64(len(b))
	return t.engine.Take(&t.segment)
}
