package trace

import (
	"slices"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// endProcess ends the connections of a process that exited or executed another program.
// Connections closed before are complete. The others linger, because the kernel closes
// and reports their sockets after the end of the process.
func (t *connTable) endProcess(pid int, at ktime.Time) error {
	t.closing.finish(func(c *tracedConn) bool { return c.meta.PID == pid })
	var open []*tracedConn
	for _, c := range t.byID {
		if c.meta.PID == pid {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		return nil
	}
	slices.SortFunc(open, bySince)
	states, err := t.kernel.Conns()
	for _, c := range open {
		end := &unreportedEnd{at: at}
		if i := slices.IndexFunc(states, func(s bpf.ConnState) bool { return s.ID == c.id }); i >= 0 {
			end.state = &states[i]
		}
		c.end = end
		t.closing.add(c)
	}
	return err
}

// left takes the sockets that a process had open at its end. TCP may close one much later,
// where its peer has not acknowledged all: then this is what it knew of the path.
func (t *connTable) left(pid int, list []bpf.Socket) {
	if len(list) == 0 {
		return
	}
	paths := make(map[endpoints]*bpf.Path, len(list))
	for i := range list {
		if s := &list[i]; !s.Unix {
			paths[endpoints{s.Local, s.Remote}] = &s.Path
		}
	}
	for _, c := range t.byID {
		if c.meta.PID == pid && c.event.Remote.IsValid() {
			c.leftPath = paths[c.endpoints()]
		}
	}
}
