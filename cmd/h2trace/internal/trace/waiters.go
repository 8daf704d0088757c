package trace

import (
	"hash/maphash"
	"slices"

	"h2trace/decoder/exchange"
)

// waiters finds closed connections by the requests that wait for a response on them.
// Thousands may be closed at once, each with hundreds of requests.
type waiters struct {
	fresh     []*tracedConn // not entered yet, by time of their close
	byRequest map[uint64][]*tracedConn
	seed      maphash.Seed
}

func newWaiters() waiters {
	return waiters{byRequest: make(map[uint64][]*tracedConn), seed: maphash.MakeSeed()}
}

// closed takes a connection that begins to linger.
func (w *waiters) closed(c *tracedConn) { w.fresh = append(w.fresh, c) }

// enter enters the connections closed since the last call.
func (w *waiters) enter() {
	for _, c := range w.fresh {
		if c.finished() {
			continue
		}
		c.exchanges.tracker.Any(func(e *exchange.Exchange) bool {
			key := w.key(c.meta.PID, e)
			if list := w.byRequest[key]; e.Status == 0 && !slices.Contains(list[max(0, len(list)-1):], c) {
				w.byRequest[key] = append(list, c)
				c.waits = append(c.waits, key)
			}
			return false
		})
	}
	w.fresh = nil
}

// find returns the first connection closed before an exchange began on which the same
// request still waits, or nil. A request is the same if process, method and URL are.
func (w *waiters) find(pid int, e *exchange.Exchange) *tracedConn {
	w.enter()
	key := w.key(pid, e)
	for {
		w.trim(key)
		list := w.byRequest[key]
		if len(list) == 0 || list[0].end.time() >= e.Start {
			return nil
		}
		if c := list[0]; c.meta.PID == pid && c.exchanges.tracker.Waits(e.Method, e.URL) {
			return c
		}
		list[0] = nil
		w.byRequest[key] = list[1:]
	}
}

// finished drops a connection that has finished, and the finished ones before it.
func (w *waiters) finished(c *tracedConn) {
	w.fresh = dropFinished(w.fresh)
	for _, key := range c.waits {
		w.trim(key)
	}
	c.waits = nil
}

// trim drops finished connections from the front of a list.
func (w *waiters) trim(key uint64) {
	list := dropFinished(w.byRequest[key])
	if len(list) == 0 {
		delete(w.byRequest, key)
		return
	}
	w.byRequest[key] = list
}

// dropFinished drops finished connections from the front of a list, and clears their
// entries for the garbage collector.
func dropFinished(list []*tracedConn) []*tracedConn {
	for len(list) > 0 && list[0].finished() {
		list[0] = nil
		list = list[1:]
	}
	return list
}

func (w *waiters) key(pid int, e *exchange.Exchange) uint64 {
	return maphash.Comparable(w.seed, struct {
		pid         int
		method, url string
	}{pid, e.Method, e.URL})
}
