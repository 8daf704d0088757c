package report

import "strings"

// made is which connections a run made, and which it tried to make.
type made struct {
	failed []unmade
	open   map[string]int64 // when the last was opened, by peer
}

// unmade is a connection that was not made.
type unmade struct {
	peer, class, text string
	via               string // HTTP proxy
	since             int64  // when the process began
}

// Bounds on what is kept of a run. Failures beyond are left out: they are not
// the first ones.
const (
	maxUnmade = 1 << 10
	maxPeers  = 1 << 12
)

// peerOf returns what a connection is to: a name, or else a port, as localhost
// is several addresses.
func peerOf(e *event) string {
	if name := text(e.name); name != "" {
		return name
	}
	_, port, _ := cutLast(text(e.remote), ":")
	return ":" + port
}

func (m *made) opened(e *event) {
	if m.open == nil {
		m.open = make(map[string]int64)
	}
	if peer := peerOf(e); len(m.open) < maxPeers || m.open[peer] != 0 {
		m.open[peer] = e.at
	}
}

func (m *made) fail(e *event) {
	if len(m.failed) == maxUnmade || e.server {
		return // who could not connect to a server is the client's to say
	}
	u := unmade{peer: peerOf(e), class: classOf(&e.exchange), via: text(e.exchange.via), since: e.at}
	u.since -= e.exchange.phases[phaseDNS] + e.exchange.phases[phaseConnect]
	what := []string{text(e.name), text(e.remote)}
	u.text = strings.Trim(strings.Join(what, " "), " ") + ": " + text(e.exchange.detail)
	m.failed = append(m.failed, u)
}

// end counts the failures. A process that tries the addresses of a name one
// after the other, or two at a time, got where it wanted with the one that
// answered (RFC 8305).
func (m *made) end(f *failures, r *relays) {
	for _, u := range m.failed {
		if u.class != "tls" && m.open[u.peer] >= u.since {
			continue
		}
		r.failed(u.via, u.class)
		f.note(u.class, behind(u.via, u.text), u.via)
	}
}
