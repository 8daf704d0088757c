package report

// connection is one of a run that is open.
type connection struct {
	proxy     *proxy
	peer      string // of a server
	remote    string
	server    bool
	handshake wallTime // when its TLS handshake began, 0 when that is over
	met       bool     // it carried an exchange
}

// maxConns bounds the connections of a run that are open at once.
const maxConns = 1 << 16

// connections are those of a run that are open.
type connections struct {
	open        map[string]*connection // by id, as written
	handshaking int                    // of which no handshake has ended
}

func newConnections() connections { return connections{open: make(map[string]*connection)} }

// get returns a connection, or nil where the event has none or there is no room.
func (cs *connections) get(id []byte) *connection {
	if id == nil {
		return nil
	}
	c := cs.open[string(id)]
	if c == nil && len(cs.open) < maxConns {
		c = &connection{}
		cs.open[string(id)] = c
	}
	return c
}

// spoke notes that a connection carries something: its handshake is over.
func (cs *connections) spoke(c *connection) {
	if c != nil && c.handshake != 0 {
		c.handshake = 0
		cs.handshaking--
	}
}
