package flows

import (
	"h2trace/bpf"
	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
)

// flowOf returns the flow of a segment, nil if that begins none.
func (t *Table) flowOf(at ktime.Time, k key, s *capture.Segment) (*flow, error) {
	f, ok, dropped := t.flows.get(k)
	if err := t.abandon(at, dropped); err != nil {
		return nil, err
	}
	if ok && f.isAnother(s) {
		if err := t.end(at, f); err != nil {
			return nil, err
		}
		t.flows.remove(k)
		ok = false
	}
	if ok {
		return f, nil
	}
	if s.Flags&(capture.RST|capture.FIN) != 0 && s.Length == 0 {
		return nil, nil
	}
	f = &flow{key: k, local: k.local}
	return f, t.abandon(at, t.flows.put(k, f))
}

// isAnother reports whether a segment belongs to another connection with the same ports.
func (f *flow) isAnother(s *capture.Segment) bool {
	return f.streams[f.dirOf(s.Source)].Another(s.Seq, s.Length, s.Flags&capture.SYN != 0, s.Flags&capture.ACK != 0, f.over)
}

// handshake takes a SYN. The sequence number after it is that of the first byte.
func (t *Table) handshake(at ktime.Time, f *flow, s *capture.Segment) {
	answer := s.Flags&capture.ACK != 0
	if client := s.Source; f.role == bpf.RoleUnknown && !f.opened {
		if answer {
			client = s.Dest
		}
		f.begins(client)
	}
	f.streams[f.dirOf(s.Source)].segments++
	f.streams[f.dirOf(s.Source)].Begin(s.Seq + 1)
	if answer {
		f.streams[f.dirOf(s.Dest)].Begin(s.Ack)
		if f.synAck == 0 {
			f.synAck = at
		}
	} else if f.syn == 0 {
		f.syn = at
	}
	f.fromStart = !f.opened
	if s.Length > 0 && !answer && !f.opened { // TCP Fast Open (RFC 7413 §4.2.1)
		data := *s
		data.Seq++
		f.fastOpen = f.waiting.add(&data, at, &t.waiting)
	}
}
