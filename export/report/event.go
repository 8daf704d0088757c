package report

import "time"

// event is one line, as far as a report needs it. Slices are of the line.
type event struct {
	kind string
	at   wallTime
	pid  int64
	ppid int64
	conn []byte

	action      []byte
	name        []byte
	remote      []byte
	server      bool // role
	client      bool
	exe         []byte
	reason      []byte
	start       bool // joined
	secret      int  // tls: 0 where it is null, else 1, or 2 where its version is known
	silent      time.Duration
	silentKnown bool
	asked       bool          // what went last was sent
	state       []byte        // of a silent connection
	otherWay    time.Duration // for which nothing went the other way than last
	spokeBefore bool          // otherWay is known
	moved       int64         // bytes, both ways
	exit        int64         // exit_code
	exited      bool          // exit is known
	args        []byte

	exchange exchangeKeys
	window   [4]credit // of a frame: conn_send, conn_recv, stream_send, stream_recv
	stall    stallKeys
	rtt      time.Duration
	rttKnown bool
	minRTT   time.Duration // 0 unknown
	verify   time.Duration // of a TLS handshake, for the certificate
	retrans  int64
	unorder  int64         // out_of_order
	segments int64         // both ways
	lost     int64         // records, of a loss
	duration time.Duration // of a summary
	counted  int64         // exchanges, of a summary
	signal   []byte        // of a summary
	running  bool          // of a summary: there was no command, but processes that were running
}

type credit struct {
	bytes int64
	known bool
}

// phases of an exchange or a path.
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

var phaseKeys = [phaseCount]string{"dns_ms", "connect_ms", "tls_ms", "send_ms", "wait_ms", "receive_ms", "total_ms"}

type exchangeKeys struct {
	pid        int64
	conn       []byte
	stream     []byte
	url        []byte // as written
	connect    bool   // method
	via        []byte // HTTP proxy, nil where there is none
	requests   []byte // of an error of a go command, those that it speaks of
	status     int64
	reused     bool
	bytes      int64 // of the response
	phases     [phaseCount]time.Duration
	known      [phaseCount]bool
	recv       time.Duration // stalled
	send       time.Duration
	redirect   bool
	kind       []byte
	path       []byte
	version    []byte
	proxy      []byte // as GOPROXY has it; of a conn event, too
	next       []byte
	barred     []byte // by a "," in GOPROXY
	open       bool   // it had not ended
	method     []byte
	class      []byte
	detail     []byte
	after      []byte // class of the exchange that this one repeats
	authorized []byte
	retryAfter []byte
	processes  []byte // of an error of a go command, those that it speaks of
}

type stallKeys struct {
	recv   bool
	length time.Duration
	window int64
}

// kinds of events that a report reads; frames among them, for their windows. All
// others are of kind otherKind.
var kindsRead = [...]string{"process", "conn", "frame", "exchange", "stall", "loss", "summary"}

const otherKind = "other"

// parser parses lines into one event that it keeps.
type parser struct {
	times times
	event event
}

// parse parses a line, and returns nil when that is no event.
func (p *parser) parse(line []byte) *event {
	e := &p.event
	*e = event{}
	var version, ok bool
	valid := members(line, func(key, v []byte) {
		switch string(key) {
		case "v":
			version = string(v) == "1"
		case "ts":
			e.at, ok = p.times.parse(v)
		case "event":
			if len(v) > 2 && v[0] == '"' {
				e.kind = otherKind
			}
			for _, k := range kindsRead {
				if is(v, k) {
					e.kind = k
				}
			}
		case "pid":
			e.pid, _ = integer(v)
		case "conn":
			e.conn = v
		default:
			e.member(key, v)
		}
	})
	e.exchange.pid, e.exchange.conn = e.pid, e.conn
	if !valid || !version || !ok || e.kind == "" {
		return nil
	}
	return e
}

// member takes a member that only some kinds have.
func (e *event) member(key, v []byte) {
	switch string(key) {
	case "window":
		if v[0] == '{' {
			e.windows(v)
		} else {
			e.stall.window, _ = integer(v)
		}
	case "action":
		e.action = v
	case "ppid":
		e.ppid, _ = integer(v)
	case "name":
		e.name = v
	case "role":
		e.server, e.client = is(v, "server"), is(v, "client")
	case "exe":
		e.exe = v
	case "reason":
		e.reason = v
	case "joined":
		e.start = is(v, "start")
	case "silent_ms":
		e.silent, e.silentKnown = millis(v)
	case "state":
		e.state = v
	case "other_way_ms":
		e.otherWay, e.spokeBefore = millis(v)
	case "last":
		e.asked = is(v, "send")
	case "exchanges":
		e.counted, _ = integer(v)
	case "signal":
		e.signal = v
	case "command":
		e.running = string(v) == "null"
	case "bytes_sent", "bytes_received":
		n, _ := integer(v)
		e.moved += n
	case "remote":
		e.remote = v
	case "exit_code":
		e.exit, e.exited = integer(v)
	case "args":
		e.args = v
	case "rtt_ms":
		e.rtt, e.rttKnown = millis(v)
	case "tls":
		e.tls(v)
	case "min_rtt_ms":
		e.minRTT, _ = millis(v)
	case "retransmits":
		e.retrans, _ = integer(v)
	case "out_of_order":
		e.unorder, _ = integer(v)
	case "segments_sent", "segments_received":
		n, _ := integer(v)
		e.segments += n
	case "records":
		e.lost, _ = integer(v)
	case "duration_ms":
		e.duration, _ = millis(v)
	case "side":
		e.stall.recv = is(v, "recv_window")
	case "stall_ms":
		if v[0] != '{' {
			e.stall.length, _ = millis(v)
			return
		}
		members(v, func(key, v []byte) {
			if string(key) == "recv_window" {
				e.exchange.recv, _ = millis(v)
			} else if string(key) == "send_window" {
				e.exchange.send, _ = millis(v)
			}
		})
	default:
		e.exchange.member(key, v)
	}
}

func (e *event) tls(v []byte) {
	if v[0] != '{' {
		return
	}
	e.secret = 1
	members(v, func(key, v []byte) {
		switch {
		case string(key) == "verify_ms":
			e.verify, _ = millis(v)
		case string(key) == "version" && v[0] == '"':
			e.secret = 2
		}
	})
}

func (e *event) windows(v []byte) {
	members(v, func(key, v []byte) {
		for i, name := range windowKeys {
			if string(key) == name {
				e.window[i].bytes, e.window[i].known = integer(v)
			}
		}
	})
}

func (x *exchangeKeys) member(key, v []byte) {
	switch string(key) {
	case "url":
		x.url = v
	case "method":
		x.method, x.connect = v, is(v, "CONNECT")
	case "requests":
		x.requests = v
	case "processes":
		x.processes = v
	case "stream":
		x.stream = v
	case "authorized":
		x.authorized = v
	case "retry_after":
		x.retryAfter = v
	case "via":
		if v[0] == '"' {
			x.via = v
		}
	case "proxy":
		x.proxy = v
	case "next":
		x.next = v
	case "barred":
		x.barred = v
	case "status":
		x.status, _ = integer(v)
	case "reused":
		x.reused = string(v) == "true"
	case "response_bytes":
		x.bytes, _ = integer(v)
	case "open":
		x.open = string(v) == "true"
	case "redirect":
		x.redirect = v[0] == '"'
	case "module":
		members(v, func(key, v []byte) {
			switch string(key) {
			case "path":
				x.path = v
			case "version":
				x.version = v
			case "kind":
				x.kind = v
			case "proxy":
				x.proxy = v
			case "next":
				x.next = v
			case "barred":
				x.barred = v
			}
		})
	case "retry":
		members(v, func(key, v []byte) {
			if string(key) == "class" {
				x.after = v
			}
		})
	case "error":
		members(v, func(key, v []byte) {
			switch string(key) {
			case "class":
				x.class = v
			case "detail":
				x.detail = v
			}
		})
	default:
		for i, name := range phaseKeys {
			if string(key) == name {
				x.phases[i], x.known[i] = millis(v)
			}
		}
	}
}
