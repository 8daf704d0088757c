package report

// connection is an open connection of a run.
type connection struct {
	proxy     *proxy
	peer      string // address of the server
	remote    string
	local     string // of a client
	server    bool
	handshake wallTime // when its TLS handshake began, 0 after that
	met       bool     // it carried an exchange
}

// maxConns bounds the open connections of a run.
const maxConns = 1 << 16

// connections holds the open connections of a run.
type connections struct {
	open        map[string]*connection // by id, as written
	handshaking int                    // how many are in a TLS handshake
	own         map[string]bool        // local addresses of observed clients
	served      map[string]bool        // remote addresses of the clients of observed servers
}

func newConnections() connections { return connections{open: make(map[string]*connection)} }

// get returns the connection of an event, or nil if it has none or there is no room.
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

// toObserved reports whether a connection of a client is to an observed server.
func (cs *connections) toObserved(c *connection) bool {
	return c != nil && c.local != "" && cs.served[c.local]
}

// spoke says that a connection carries data, so that its handshake has ended.
func (cs *connections) spoke(c *connection) {
	if c != nil && c.handshake != 0 {
		c.handshake = 0
		cs.handshaking--
	}
}
