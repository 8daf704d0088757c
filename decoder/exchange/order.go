package exchange

import "container/heap"

// list holds open exchanges, the oldest first. It removes any of them in constant time.
type list struct {
	oldest, newest *open
	len            int
}

func (l *list) push(o *open) {
	o.older, o.newer = l.newest, nil
	if l.newest == nil {
		l.oldest = o
	} else {
		l.newest.newer = o
	}
	l.newest = o
	l.len++
}

func (l *list) remove(o *open) {
	if o.older == nil {
		l.oldest = o.newer
	} else {
		o.older.newer = o.newer
	}
	if o.newer == nil {
		l.newest = o.older
	} else {
		o.newer.older = o.older
	}
	o.older, o.newer = nil, nil
	l.len--
}

// byID is a heap of the streams that clients open, with the highest identifier on top.
// GOAWAY ends those above the one that it names.
type byID []*open

// Len implements heap.Interface.
func (h *byID) Len() int { return len(*h) }

// Less implements heap.Interface.
func (h *byID) Less(i, j int) bool { return (*h)[i].Stream > (*h)[j].Stream }

// Swap implements heap.Interface.
func (h *byID) Swap(i, j int) {
	s := *h
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = int32(i), int32(j)
}

// Push implements heap.Interface.
func (h *byID) Push(x any) {
	o := x.(*open)
	o.place = int32(len(*h))
	*h = append(*h, o)
}

// Pop implements heap.Interface.
func (h *byID) Pop() any {
	last := len(*h) - 1
	o := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return o
}

func (h *byID) add(o *open) {
	if o.Stream&1 == 1 {
		heap.Push(h, o)
	}
}

func (h *byID) remove(o *open) {
	if o.Stream&1 == 1 {
		heap.Remove(h, int(o.place))
	}
}

// above returns the stream with the highest identifier, if that is above id, or nil.
func (h *byID) above(id uint32) *open {
	if len(*h) == 0 || (*h)[0].Stream <= id {
		return nil
	}
	return (*h)[0]
}
