package trace

import (
	"slices"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// endProcess ends the connections of a process that exited or executed another program, but
// those that it keeps. Connections closed before are complete. The others linger, because the
// kernel closes and reports their sockets after the end of the process. So do those that
// linger since an earlier exec.
func (t *connTable) endProcess(pid int, at ktime.Time, kept []bpf.Socket) error {
	t.closing.finish(func(c *tracedConn) bool { return c.meta.PID == pid && closeReported(c.end) })
	keeps := pathsOf(kept)
	var open []*tracedConn
	for _, c := range t.byID {
		if c.meta.PID == pid && c.end == nil && (c.wire == nil || keeps[c.endpoints()] == nil) {
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
	paths := pathsOf(list)
	for _, c := range t.byID {
		if path := paths[c.endpoints()]; path != nil && c.meta.PID == pid && c.event.Remote.IsValid() {
			c.leftPath = path
		}
	}
}

// pathsOf returns the paths of TCP sockets by their endpoints.
func pathsOf(list []bpf.Socket) map[endpoints]*bpf.Path {
	paths := make(map[endpoints]*bpf.Path, len(list))
	for i := range list {
		if s := &list[i]; !s.Unix {
			paths[endpoints{s.Local, s.Remote}] = &s.Path
		}
	}
	return paths
}
