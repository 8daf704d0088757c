package report

// connection is an open connection of a run.
type connection struct {
	proxy     *proxy
	peer      string // address of the server
	remote    string
	local     string // of a client
	server    bool
	begin     wallTime // 0 unknown
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
	answers     answers
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

// answers holds when processes had the first answer of a server.
type answers map[asker]wallTime

// asker is a process that asks a server.
type asker struct {
	pid    int64
	server string
}

// add takes an exchange with a server.
func (a *answers) add(x *exchangeEvent, server string) {
	of := asker{x.pid, server}
	if _, known := (*a)[of]; !known && x.class == nil {
		put((*map[asker]wallTime)(a), of, x.at)
	}
}

// before reports whether the process had an answer of the server before it asked again.
func (a answers) before(x *exchangeEvent, server string) bool {
	first, known := a[asker{x.pid, server}]
	return known && x.known[phaseTotal] && first <= x.at.add(-x.phases[phaseTotal])
}

// spoke says that a connection carries data, so that its handshake has ended.
func (cs *connections) spoke(c *connection) {
	if c != nil && c.handshake != 0 {
		c.handshake = 0
		cs.handshaking--
	}
}
