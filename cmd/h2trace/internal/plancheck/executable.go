package plancheck

import "time"

const (
	// silence is the age at which a connection should have traffic in one direction
	// if the other has.
	silence = 200 * time.Millisecond
	// maxSilent bounds the connections that are listed for each probe.
	maxSilent = 64
)

// moved is how many bytes of a socket make a probe suspect that has not fired.
// Handshakes take less; even with more, only witnesses convict the probe.
var moved = [2]uint64{send: 4 << 10, recv: 16 << 10}

const (
	send = 0
	recv = 1
)

// Executable is the state of the probes of an executable, by direction.
type Executable struct {
	Probes [2]Probe
	silent [2][]string
}

// Conn is a connection as evidence.
type Conn struct {
	Name string
	Age  time.Duration
	Said [2]bool // a direction was seen
	// Silent marks the directions that are listed as silent.
	Silent *[2]bool
}

// Hear takes the evidence of a connection.
func (e *Executable) Hear(c *Conn) {
	for dir := range e.Probes {
		p := &e.Probes[dir]
		switch {
		case c.Said[dir]:
			p.Fired()
		case p.state == acquitted || p.state == settled || !c.Said[1-dir] || c.Age < silence || c.Silent[dir]:
		default:
			p.suspect()
			if len(e.silent[dir]) < maxSilent {
				e.list(c, dir)
			}
			c.Silent[dir] = true
		}
	}
}

// Moved takes the number of bytes that a socket of a process has moved.
func (e *Executable) Moved(bytes [2]uint64) {
	for dir, n := range bytes {
		if n > moved[dir] {
			e.Probes[dir].suspect()
		}
	}
}

// Miss lists a connection in which a probe that will be replaced saw nothing.
func (e *Executable) Miss(c *Conn, dir int) {
	if !c.Silent[dir] && !c.Said[dir] {
		e.list(c, dir)
	}
}

func (e *Executable) list(c *Conn, dir int) {
	c.Silent[dir] = true
	e.silent[dir] = append(e.silent[dir], c.Name)
}

// TakeSilent returns the connections in which a probe saw nothing, and forgets them.
func (e *Executable) TakeSilent(dir int) []string {
	list := e.silent[dir]
	e.silent[dir] = nil
	return list
}

// Unsure reports whether bytes of sockets would be evidence.
func (e *Executable) Unsure() bool {
	return e.Probes[send].state == unproven || e.Probes[recv].state == unproven
}
