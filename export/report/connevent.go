package report

import (
	"time"

	"h2trace/export/scan"
)

// peerKeys are the keys that name the peer of a connection.
type peerKeys struct {
	name, remote []byte
	server       bool // the process is the server
}

func (p *peerKeys) member(key, v []byte) {
	switch string(key) {
	case "name":
		p.name = v
	case "remote":
		p.remote = v
	case "role":
		p.server = scan.Is(v, "server")
	}
}

// secrecy is the known state of TLS on a connection.
type secrecy uint8

const (
	noTLS      secrecy = iota // also if unknown
	someTLS                   // of an unknown version: in the handshake
	versionTLS                // of a known version
)

// tlsKeys are the TLS keys of a conn event.
type tlsKeys struct {
	secrecy secrecy
	verify  time.Duration // the part of the handshake that verified the certificate
	// As written, nil where not known.
	resumed, issuer, issuerPublic, offeredALPN []byte
}

func (t *tlsKeys) read(v []byte) {
	if v[0] != '{' {
		return
	}
	t.secrecy = someTLS
	scan.Members(v, func(key, v []byte) {
		switch {
		case string(key) == "verify_ms":
			t.verify, _ = scan.Millis(v)
		case string(key) == "version" && v[0] == '"':
			t.secrecy = versionTLS
		case string(key) == "resumed":
			t.resumed = v
		case string(key) == "issuer":
			t.issuer = v
		case string(key) == "issuer_public":
			t.issuerPublic = v
		case string(key) == "offered_alpn":
			t.offeredALPN = v
		}
	})
}

// openEvent is a new connection, or one joined in the middle.
type openEvent struct {
	head
	peerKeys
	tlsKeys
	phaseKeys
	client, start bool // role, joined
	local         []byte
}

func (e *openEvent) member(key, v []byte) {
	switch string(key) {
	case "tls":
		e.tlsKeys.read(v)
	case "role":
		e.client = scan.Is(v, "client")
		e.peerKeys.member(key, v)
	case "local":
		e.local = v
	case "joined":
		e.start = scan.Is(v, "start")
	case "name", "remote":
		e.peerKeys.member(key, v)
	default:
		e.phaseKeys.read(key, v)
	}
}

// failedEvent is a failed connection, or a failed lookup.
type failedEvent struct {
	head
	peerKeys
	tlsKeys
	phaseKeys
	failureKeys
	entryKeys
	via []byte
}

func (e *failedEvent) member(key, v []byte) {
	switch string(key) {
	case "tls":
		e.tlsKeys.read(v)
	case "name", "remote", "role":
		e.peerKeys.member(key, v)
	case "error":
		e.failureKeys.read(v)
	case "via":
		e.via = v
	case "proxy", "next", "barred":
		e.entryKeys.member(key, v)
	default:
		e.phaseKeys.read(key, v)
	}
}

// closeEvent is the end of a connection, with the counters of TCP.
type closeEvent struct {
	head
	tlsKeys
	remote, protocol []byte
	crowd            crowd
	unread           int64         // bytes
	mss, ttl         int64         // 0 unknown
	moved            int64         // bytes, both ways
	rtt, minRTT      time.Duration // minRTT is 0 if unknown
	rcvRTT           time.Duration // 0 if unknown
	rttKnown         bool
	retransmits      int64
	outOfOrder       int64
	holes            int64
	holesKnown       bool
	segments         int64  // both ways
	received         int64  // of them
	reason           []byte // why nothing of it is decoded, nil without one
}

func (e *closeEvent) member(key, v []byte) {
	switch string(key) {
	case "tls":
		e.read(v)
	case "remote":
		e.remote = v
	case "protocol":
		e.protocol = v
	case "peak_streams":
		e.crowd.peak, _ = scan.Integer(v)
	case "max_concurrent_streams":
		e.crowd.allowed, _ = scan.Integer(v)
	case "unread_bytes":
		e.unread, _ = scan.Integer(v)
	case "mss":
		e.mss, _ = scan.Integer(v)
	case "ttl":
		e.ttl, _ = scan.Integer(v)
	case "bytes_sent", "bytes_received":
		n, _ := scan.Integer(v)
		e.moved += n
	case "reason":
		e.reason = v
	case "rtt_ms":
		e.rtt, e.rttKnown = scan.Millis(v)
	case "rcv_rtt_ms":
		e.rcvRTT, _ = scan.Millis(v)
	case "min_rtt_ms":
		e.minRTT, _ = scan.Millis(v)
	case "retransmits":
		e.retransmits, _ = scan.Integer(v)
	case "out_of_order":
		e.outOfOrder, _ = scan.Integer(v)
	case "holes":
		e.holes, e.holesKnown = scan.Integer(v)
	case "segments_sent":
		n, _ := scan.Integer(v)
		e.segments += n
	case "segments_received":
		e.received, _ = scan.Integer(v)
		e.segments += e.received
	}
}

// silentEvent is a connection without data up to its time.
type silentEvent struct {
	head
	peerKeys
	moved       int64 // bytes, both ways
	state       []byte
	silent      time.Duration
	asked       bool          // the last data was sent
	otherWay    time.Duration // time without data in the other direction
	spokeBefore bool          // otherWay is known
}

func (e *silentEvent) member(key, v []byte) {
	switch string(key) {
	case "bytes_sent", "bytes_received":
		n, _ := scan.Integer(v)
		e.moved += n
	case "state":
		e.state = v
	case "silent_ms":
		e.silent, _ = scan.Millis(v)
	case "last":
		e.asked = scan.Is(v, "send")
	case "other_way_ms":
		e.otherWay, e.spokeBefore = scan.Millis(v)
	default:
		e.peerKeys.member(key, v)
	}
}
