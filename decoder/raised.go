package decoder

import "container/heap"

// raised is a heap of the streams with more credit than the initial window, by how much,
// the most on top: a higher INITIAL_WINDOW_SIZE may make these overflow (RFC 9113 §6.9.2).
// A grant moves a stream up at once. What is spent moves it down only when it is on top,
// so that DATA costs nothing here, and each look at the top is paid for by the frames
// before it, whatever the number of streams.
type raised struct {
	dir  Direction
	list []raisedStream
}

// raisedStream is a stream with an upper bound of its distance.
type raisedStream struct {
	stream   *stream
	distance int64
}

// Len implements heap.Interface.
func (h *raised) Len() int { return len(h.list) }

// Less implements heap.Interface.
func (h *raised) Less(i, j int) bool { return h.list[i].distance > h.list[j].distance }

// Swap implements heap.Interface.
func (h *raised) Swap(i, j int) {
	h.list[i], h.list[j] = h.list[j], h.list[i]
	h.list[i].stream.place[h.dir], h.list[j].stream.place[h.dir] = int32(i+1), int32(j+1)
}

// Push implements heap.Interface.
func (h *raised) Push(x any) {
	e := x.(raisedStream)
	h.list = append(h.list, e)
	e.stream.place[h.dir] = int32(len(h.list))
}

// Pop implements heap.Interface.
func (h *raised) Pop() any {
	last := len(h.list) - 1
	e := h.list[last]
	h.list[last] = raisedStream{}
	h.list = h.list[:last]
	e.stream.place[h.dir] = 0
	return e
}

// raise takes that a stream has more credit than before.
func (h *raised) raise(s *stream) {
	distance := s.distance[h.dir]
	switch at := int(s.place[h.dir]) - 1; {
	case distance <= 0:
	case at < 0:
		heap.Push(h, raisedStream{s, distance})
	case distance > h.list[at].distance:
		h.list[at].distance = distance
		heap.Fix(h, at)
	}
}

// drop takes that a stream is not followed any more.
func (h *raised) drop(s *stream) {
	if at := int(s.place[h.dir]) - 1; at >= 0 {
		heap.Remove(h, at)
	}
}

// highest returns the greatest distance of a stream with known credit, 0 if none is raised.
func (h *raised) highest() int64 {
	for len(h.list) > 0 {
		top := &h.list[0]
		switch actual := top.stream.distance[h.dir]; {
		case actual <= 0 || !top.stream.known[h.dir]:
			heap.Pop(h)
		case actual < top.distance:
			top.distance = actual
			heap.Fix(h, 0)
		default:
			return actual
		}
	}
	return 0
}
