package packets

import (
	"golang.org/x/sys/unix"

	"h2trace/bpf"
)

// flow is a TCP connection.
type flow struct {
	random   random // of its ClientHello
	hello    bool   // that was seen
	answered bool   // this packet has the ServerHello
	over     bool   // this packet is the last one that matters
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
// has sent, and that was written then.
func (f *flows) isCopy(p *path, dir int) bool {
	if dir == bpf.Recv {
		_, sent := f.sent[*p]
		return sent
	}
	if len(f.sent) == maxFlows {
		clear(f.sent)
	}
	f.sent[*p] = struct{}{}
	return false
}

// of returns the connection of a packet with what the packet says of it, or nil.
func (f *flows) of(p *bpf.Captured, h *headers) *flow {
	if h.proto != unix.IPPROTO_TCP {
		return nil
	}
	c := f.bySocket[p.Socket]
	if r, ok := helloOf(h.payload, clientHello); ok {
		if c == nil {
			c = f.add(p.Socket)
		}
		c.random, c.hello = r, true
	}
	if c == nil {
		return nil
	}
	_, c.answered = helloOf(h.payload, serverHello)
	c.answered = c.answered && c.hello
	c.fins[p.Dir] = c.fins[p.Dir] || h.flags&flagFIN != 0
	c.over = h.flags&flagRST != 0 || c.fins[bpf.Send] && c.fins[bpf.Recv]
	return c
}

func (f *flows) add(socket uint64) *flow {
	if len(f.bySocket) == maxFlows {
		clear(f.bySocket)
	}
	c := new(flow)
	f.bySocket[socket] = c
	return c
}
