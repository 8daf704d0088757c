package packets

import (
	"net/netip"

	"h2trace/bpf"
	"h2trace/decoder/capture"
	"h2trace/decoder/tls/handshake"
)

// path is the way of a packet.
type path struct {
	tcp      bool // else UDP
	from, to netip.AddrPort
}

// flow is a TCP connection of a socket. What a packet says of it is there until the next one.
type flow struct {
	random   random // of its ClientHello
	hello    bool   // that was seen
	begun    bool   // payload was seen
	begins   bool   // the packet is the first with payload
	answered bool   // it has the ServerHello
	over     bool   // it is the last one that matters
	fins     [2]bool
}

// maxFlows bounds the connections, and the paths, that are known.
const maxFlows = 1 << 14

// flows are the connections whose packets were seen.
type flows struct {
	bySocket map[uint64]*flow
	// sent holds the paths on which a target sends.
	sent map[path]struct{}
}

func newFlows() flows {
	return flows{bySocket: make(map[uint64]*flow), sent: make(map[path]struct{})}
}

// isCopy reports whether a packet that a target gets is one that another target of this host
// has sent: the file has it then.
func (f *flows) isCopy(s *capture.Segment, dir int) bool {
	p := path{s.TCP, s.Source, s.Dest}
	if dir == bpf.Recv {
		_, sent := f.sent[p]
		return sent
	}
	if len(f.sent) == maxFlows {
		clear(f.sent)
	}
	f.sent[p] = struct{}{}
	return false
}

// of returns the connection of a packet, or nil if it has none or says nothing of it.
func (f *flows) of(p *bpf.Captured, s *capture.Segment) *flow {
	ends := s.Flags&(capture.FIN|capture.RST) != 0
	if !s.TCP || len(s.Payload) == 0 && !ends {
		return nil
	}
	c := f.bySocket[p.Socket]
	if c == nil {
		if ends {
			return nil
		}
		if len(f.bySocket) == maxFlows {
			clear(f.bySocket)
		}
		c = new(flow)
		f.bySocket[p.Socket] = c
	}
	c.packet(p.Dir, s)
	return c
}

func (c *flow) packet(dir int, s *capture.Segment) {
	c.begins, c.begun = !c.begun, true
	if r, ok := helloOf(s.Payload, handshake.TypeClientHello); ok {
		c.random, c.hello = r, true
	}
	_, answers := helloOf(s.Payload, handshake.TypeServerHello)
	c.answered = answers && c.hello
	c.fins[dir] = c.fins[dir] || s.Flags&capture.FIN != 0
	c.over = s.Flags&capture.RST != 0 || c.fins[bpf.Send] && c.fins[bpf.Recv]
}
