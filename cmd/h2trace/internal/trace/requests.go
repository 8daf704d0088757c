package trace

import (
	"errors"

	"h2trace/bpf"
)

// requests queues what connections want of the kernel. Decoding a record queues them,
// and send sends them afterwards. Two answers go out at once: to a record of windows,
// and to the close of an unknown connection.
type requests struct {
	left    []uint64      // ids of those that lack no tables and windows any more
	missing []*tracedConn // that lack some
	payload []*tracedConn // of which other bytes are wanted
	ended   []bpf.Entry
}

func (q *requests) empty() bool {
	return len(q.left)+len(q.missing)+len(q.payload)+len(q.ended) == 0
}

// queued says which requests of a connection wait.
type queued struct{ missing, windows, payload bool }

// askMissing queues a request for the missing tables of a connection, and its windows
// if windows is set.
func (c *tracedConn) askMissing(windows bool) {
	c.queued.windows = c.queued.windows || windows
	if !c.queued.missing {
		c.queued.missing = true
		c.table.requests.missing = append(c.table.requests.missing, c)
	}
}

// askPayload queues a request for the wanted bytes of a connection.
func (c *tracedConn) askPayload() {
	if !c.queued.payload {
		c.queued.payload = true
		c.table.requests.payload = append(c.table.requests.payload, c)
	}
}

// send sends the queued requests. A connection that has ended since wants nothing.
func (t *connTable) send() error {
	var err error
	for !t.requests.empty() {
		now := t.requests
		t.requests = requests{}
		for _, id := range now.left {
			_, wishErr := t.kernel.Wish(id, bpf.Wish{Tables: &[2]uint32{}, Windows: &bpf.WindowWish{}})
			err = errors.Join(err, wishErr)
		}
		for _, c := range now.missing {
			windows := c.queued.windows
			c.queued.missing, c.queued.windows = false, false
			if c.missing != nil && !c.finished() {
				err = errors.Join(err, t.recovery.askAll(c, windows))
			}
		}
		for _, c := range now.payload {
			c.queued.payload = false
			if !c.finished() {
				_, wishErr := t.kernel.Wish(c.id, bpf.Wish{Payload: &c.want})
				err = errors.Join(err, wishErr)
			}
		}
		for _, e := range now.ended {
			err = errors.Join(err, t.kernel.Forget(e))
		}
	}
	return err
}
