package report

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// The parts of the wall time, in the order in which they occur: version control systems,
// the phases of exchanges, stalls of flow control, the process itself, and waiting for
// work.
const (
	partVCS = iota
	partDNS
	partConnect
	partTLS
	partSend
	partSendStall
	partWait
	partReceive
	partRecvStall
	partOther
	partIdle
	partCount
)

type parts [partCount]time.Duration

// span is a period of activity and its parts. The rest of the period is the process
// itself.
type span struct {
	begin, end wallTime
	parts      parts
	of         *suspect // whom it is attributed to, or nil
	served     bool     // a request of a client
	event      int64    // number of the event in the run that says so, or 0
}

// within returns the parts of a span between two times.
func (s *span) within(from, to wallTime) (p parts) {
	at := s.begin
	for i, n := range s.parts {
		end := min(at.add(max(n, 0)), s.end)
		p[i] = max(0, min(end, to).sub(max(at, from)))
		at = end
	}
	p[partOther] += max(0, min(s.end, to).sub(max(at, from)))
	return p
}

// maxSpans bounds the spans of a run. Beyond it, the path through the older half is
// settled.
const maxSpans = 1 << 16

// path finds the critical path of a run, backwards from its end. A span has waited for the
// span that ended last before it began. In between, a span that covers the gap counts, such
// as the first of two attempts to connect, of which the second succeeds (RFC 8305). A gap
// without a span is the process itself, or the process had nothing to do.
type path struct {
	begun   bool
	begin   wallTime
	origin  wallTime // the begin, before any of it was settled
	spans   []span
	settled parts // up to begin
	// asked says that the processes themselves made requests. Then requests that they
	// served are not on the path: they may be their own.
	asked bool
	// waits are those for locks. locked is the rest of the time, outside of all spans, in
	// which there were such.
	waits  []interval
	locked time.Duration
	// serving are requests of others, while the processes asked, too: outside of all spans
	// they work on these.
	serving []interval
	gaps    []interval // this rest, bounded
	idles   bool       // then there is nothing to do, as far as is known
	event   int64      // number of the last event of the run
	track   *track     // nil if nobody asks for it
}

// start sets the beginning of the run.
func (p *path) start(at wallTime) {
	if !p.begun {
		p.begun, p.begin, p.origin = true, at, at
	}
}

// add adds a span from begin to end.
func (p *path) add(s span) {
	if s.end < s.begin {
		return
	}
	if len(p.spans) == maxSpans {
		p.settle()
	}
	s.event = p.event
	p.spans = append(p.spans, s)
}

// wait adds a wait for a lock.
func (p *path) wait(i interval) { p.remember(&p.waits, i) }

// serve adds a request of another process that was served.
func (p *path) serve(i interval) { p.remember(&p.serving, i) }

// remember adds a period to a bounded list. Where they do not overlap, the path through the
// older half of them is settled.
func (p *path) remember(list *[]interval, i interval) {
	if len(*list) == maxPeriods {
		p.sort()
		if len(*list) > maxPeriods/2 {
			begin := (*list)[0].begin
			if len(p.spans) > 0 {
				begin = min(begin, p.spans[0].begin)
			}
			p.start(begin)
			p.settleUntil((*list)[maxPeriods/2].begin)
		}
	}
	*list = append(*list, i)
}

// maxPeriods bounds the waits for locks of a run, and the served requests.
const maxPeriods = 1 << 15

// maxGaps bounds the periods outside of all spans that are remembered.
const maxGaps = 1 << 14

// settle fixes the path through the older half of the spans.
func (p *path) settle() {
	p.sort()
	if len(p.spans) <= maxSpans/2 {
		return
	}
	p.settleUntil(p.spans[len(p.spans)/2-1].end)
}

// settleUntil fixes the path up to a time. All of it is sorted.
func (p *path) settleUntil(cut wallTime) {
	ended, _ := slices.BinarySearchFunc(p.spans, cut+1, func(s span, at wallTime) int { return cmp.Compare(s.end, at) })
	if len(p.spans) > 0 {
		p.start(p.spans[0].begin)
	}
	p.settled = p.settled.plus(p.walk(cut, p.rest()))
	p.begin = max(p.begin, cut)
	p.spans = slices.Delete(p.spans, 0, ended)
	over := func(i interval) bool { return i.end <= cut }
	p.waits, p.serving = slices.DeleteFunc(p.waits, over), slices.DeleteFunc(p.serving, over)
}

// rest returns the part that the time outside of all spans is.
func (p *path) rest() int {
	if p.idles {
		return partIdle
	}
	return partOther
}

func (p *path) sort() {
	p.waits, p.serving = merged(p.waits), merged(p.serving)
	if p.asked {
		p.spans = slices.DeleteFunc(p.spans, func(s span) bool { return s.served })
	}
	slices.SortStableFunc(p.spans, func(a, b span) int { return cmp.Compare(a.end, b.end) })
}

// before returns the parts of the run up to a time. rest is the time outside of all
// spans.
func (p *path) before(at wallTime, rest int) parts {
	p.sort()
	return p.settled.plus(p.walk(at, rest))
}

// walk returns the parts from the beginning to a time, and attributes them to the suspects
// of the spans. The spans are sorted by their end.
func (p *path) walk(now wallTime, rest int) (all parts) {
	var spanning byBegin // spans that end after now
	take := func(s *span, from, to wallTime) {
		part := s.within(from, to)
		all = all.plus(part)
		if s.of != nil {
			s.of.cost = s.of.cost.plus(part)
		}
		p.track.span(s, from, to)
	}
	for i := len(p.spans) - 1; now > p.begin; {
		for ; i >= 0 && p.spans[i].end > now; i-- {
			heap.Push(&spanning, &p.spans[i])
		}
		last := p.begin
		if i >= 0 {
			last = max(last, p.spans[i].end)
		}
		if last < now && len(spanning) > 0 && spanning[0].begin < now {
			from := max(last, spanning[0].begin)
			take(spanning[0], from, now)
			now = from
			continue
		}
		idle := now.sub(last)
		if rest == partIdle {
			worked := overlap(p.serving, last, now)
			all[partOther] += worked
			idle -= worked
		}
		all[rest] += idle
		p.locked += overlap(p.waits, last, now)
		p.track.rest(last, now, rest, p.serving)
		if last < now && len(p.gaps) < maxGaps {
			p.gaps = append(p.gaps, interval{last, now})
		}
		if now = last; i < 0 || p.spans[i].end < p.begin {
			continue
		}
		s := &p.spans[i]
		i--
		take(s, p.begin, s.end)
		now = min(now, max(p.begin, s.begin))
	}
	return all
}

func (p parts) plus(q parts) parts {
	for i, n := range q {
		p[i] += n
	}
	return p
}

// byBegin is a heap of spans, with the earliest beginning on top.
type byBegin []*span

func (h byBegin) Len() int           { return len(h) }
func (h byBegin) Less(i, j int) bool { return h[i].begin < h[j].begin }
func (h byBegin) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byBegin) Push(s any)        { *h = append(*h, s.(*span)) }
func (h *byBegin) Pop() any {
	old := *h
	s := old[len(old)-1]
	*h = old[:len(old)-1]
	return s
}
