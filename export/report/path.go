package report

import (
	"slices"
	"sort"
)

// Parts of the critical path: the phases of exchanges, what flow control took of
// them, and the rest.
const (
	partDNS = iota
	partConnect
	partTLS
	partSend
	partWait
	partReceive
	partRecvStall
	partSendStall
	partOther
	partCount
)

type parts [partCount]int64

// maxNodes bounds the ends of exchanges that are remembered. An exchange that
// began before the oldest of them is taken to follow that.
const maxNodes = 1 << 16

// path finds the critical path of a run while its exchanges are read, in the
// order in which they ended: each is taken to have waited for the one that
// ended last before it began. What lies between the two is the process itself,
// or what was not seen.
type path struct {
	begun bool
	begin int64
	nodes []node // by end
}

// node is the end of an exchange, and the parts of the time from the beginning
// of the run to there.
type node struct {
	end   int64
	parts parts
}

// start sets the beginning of the run.
func (p *path) start(at int64) {
	if !p.begun {
		p.begun, p.begin = true, at
	}
}

// before returns the parts up to a time.
func (p *path) before(at int64) parts {
	i := sort.Search(len(p.nodes), func(i int) bool { return p.nodes[i].end > at })
	if i == 0 {
		return parts{partOther: max(0, at-p.begin)}
	}
	n := p.nodes[i-1]
	n.parts[partOther] += at - n.end
	return n.parts
}

// add takes an exchange that took from begin to end.
func (p *path) add(begin, end int64, own parts) {
	p.start(begin)
	begin = max(begin, p.begin)
	if end < begin {
		return
	}
	all := p.before(begin)
	rest := end - begin
	for i, n := range own {
		n = min(max(n, 0), rest)
		all[i] += n
		rest -= n
	}
	all[partOther] += rest
	if len(p.nodes) == maxNodes {
		p.nodes = slices.Delete(p.nodes, 0, maxNodes/2)
	}
	i := sort.Search(len(p.nodes), func(i int) bool { return p.nodes[i].end > end })
	p.nodes = slices.Insert(p.nodes, i, node{end, all})
}
