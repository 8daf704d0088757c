package packets

import (
	"golang.org/x/sys/unix"

	"h2trace/bpf"
)

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

// of returns the connection of a packet, or nil if it has none or says nothing of it.
func (f *flows) of(p *bpf.Captured, h *headers) *flow {
	if h.proto != unix.IPPROTO_TCP {
		return nil
	}
	c := f.bySocket[p.Socket]
	ends := h.flags&(flagFIN|flagRST) != 0
	if c == nil && (len(h.payload) == 0 || ends) {
		return nil
	}
	if c == nil {
		if len(f.bySocket) == maxFlows {
			clear(f.bySocket)
		}
		c = new(flow)
		f.bySocket[p.Socket] = c
	}
	if len(h.payload) == 0 && !ends {
		return nil
	}
	c.packet(p.Dir, h)
	return c
}

func (c *flow) packet(dir int, h *headers) {
	c.begins, c.begun = !c.begun, true
	if r, ok := helloOf(h.payload, clientHello); ok {
		c.random, c.hello = r, true
	}
	_, answers := helloOf(h.payload, serverHello)
	c.answered = answers && c.hello
	c.fins[dir] = c.fins[dir] || h.flags&flagFIN != 0
	c.over = h.flags&flagRST != 0 || c.fins[bpf.Send] && c.fins[bpf.Recv]
}
