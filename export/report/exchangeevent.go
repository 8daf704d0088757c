package report

import (
	"time"

	"h2trace/export/scan"
)

// The phases of an exchange or a path.
const (
	phaseDNS = iota
	phaseConnect
	phaseTLS
	phaseSend
	phaseWait
	phaseReceive
	phaseTotal
	phaseCount
)

var phaseNames = [phaseCount]string{"dns_ms", "connect_ms", "tls_ms", "send_ms", "wait_ms", "receive_ms", "total_ms"}

// phaseKeys are the durations of the phases.
type phaseKeys struct {
	phases [phaseCount]time.Duration
	known  [phaseCount]bool
}

func (p *phaseKeys) read(key, v []byte) {
	if len(key) < len("dns_ms") || len(key) > len("connect_ms") {
		return
	}
	for i, name := range phaseNames {
		if string(key) == name {
			p.phases[i], p.known[i] = scan.Millis(v)
			return
		}
	}
}

// failureKeys are an error; class is nil without one.
type failureKeys struct{ class, detail []byte }

func (f *failureKeys) read(v []byte) {
	scan.Members(v, func(key, v []byte) {
		switch string(key) {
		case "class":
			f.class = v
		case "detail":
			f.detail = v
		}
	})
}

// className returns the class of a failure, "other" for a class that this version does not
// know.
func (f *failureKeys) className() string { return classNamed(f.class) }

// entryKeys are entries of GOPROXY: the one asked, the one after it, and the one that a ","
// excludes.
type entryKeys struct{ proxy, next, barred []byte }

func (k *entryKeys) member(key, v []byte) {
	switch string(key) {
	case "proxy":
		k.proxy = v
	case "next":
		k.next = v
	case "barred":
		k.barred = v
	}
}

// moduleKeys name the module that an exchange asks for; kind is nil if it asks for none.
type moduleKeys struct {
	entryKeys
	kind, path, version, tail []byte
	credentials               bool // in GOPROXY
}

func (m *moduleKeys) member(key, v []byte) {
	switch string(key) {
	case "path":
		m.path = v
	case "version":
		m.version = v
	case "kind":
		m.kind = v
	case "tail":
		m.tail = v
	case "credentials":
		m.credentials = string(v) == "true"
	default:
		m.entryKeys.member(key, v)
	}
}

// stalled is how long flow control stalled an exchange.
type stalled struct{ recv, send time.Duration }

func (s *stalled) member(key, v []byte) {
	switch string(key) {
	case "recv_window":
		s.recv, _ = scan.Millis(v)
	case "send_window":
		s.send, _ = scan.Millis(v)
	}
}

// exchangeEvent is a request and its response.
type exchangeEvent struct {
	head
	moduleKeys
	phaseKeys
	failureKeys
	stalled
	stream       []byte
	url, method  []byte // as written
	via          []byte // HTTP proxy, nil without one
	status       int64
	reused       bool
	fresh        bool  // it is the first on its connection
	bytes        int64 // of the response
	bytesKnown   bool
	redirect     bool
	open         bool   // it had not ended
	after        []byte // error class of the exchange that this one repeats
	authorized   []byte
	retryAfter   []byte
	cache        []byte
	serverTiming []byte
	silent       time.Duration // time without data at its end
	silentKnown  bool
	stallKnown   bool
}

func (e *exchangeEvent) member(key, v []byte) {
	switch string(key) {
	case "stream":
		e.stream = v
	case "url":
		e.url = v
	case "method":
		e.method = v
	case "via":
		if v[0] == '"' {
			e.via = v
		}
	case "status":
		e.status, _ = scan.Integer(v)
	case "reused":
		e.reused, e.fresh = string(v) == "true", string(v) == "false"
	case "response_bytes":
		e.bytes, e.bytesKnown = scan.Integer(v)
	case "redirect":
		e.redirect = v[0] == '"'
	case "open":
		e.open = string(v) == "true"
	case "authorized":
		e.authorized = v
	case "retry_after":
		e.retryAfter = v
	case "cache":
		e.cache = v
	case "server_timing":
		e.serverTiming = v
	case "silent_ms":
		e.silent, e.silentKnown = scan.Millis(v)
	case "module":
		scan.Members(v, e.moduleKeys.member)
	case "error":
		e.failureKeys.read(v)
	case "stall_ms":
		e.stallKnown = scan.Members(v, e.stalled.member)
	case "retry":
		scan.Members(v, e.repeats)
	default:
		e.phaseKeys.read(key, v)
	}
}

func (e *exchangeEvent) repeats(key, v []byte) {
	if string(key) == "class" {
		e.after = v
	}
}

// key identifies an exchange in the requests of a complaint.
func (e *exchangeEvent) key() string {
	return scan.Text(e.conn) + " " + string(e.stream) + " " + scan.Text(e.url)
}

// notFound reports whether a proxy does not have a module, so that the go command tries the
// next entry.
func (e *exchangeEvent) notFound() bool { return e.status == 404 || e.status == 410 }

// isQuery reports whether an exchange asks which versions exist.
func (e *exchangeEvent) isQuery() bool {
	return scan.Is(e.kind, "list") || scan.Is(e.kind, "latest") || scan.Is(e.kind, "info")
}
