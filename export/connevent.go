package export

import (
	"time"

	"h2trace/decoder"
	"h2trace/decoder/exchange"
)

// ConnEvent is what happened to a connection: one of ConnOpen, ConnClose, ConnResync,
// ConnFlood, ConnCounted, ConnDNS, ConnFailed and ConnSilent.
type ConnEvent interface {
	action() string
	// appendKeys appends the keys that the events of other actions do not have.
	appendKeys(s *screen, b []byte) []byte
}

// ConnOpen is for a new connection, or one that was open before.
type ConnOpen struct{}

func (ConnOpen) action() string                        { return "open" }
func (ConnOpen) appendKeys(_ *screen, b []byte) []byte { return b }

// ConnClose is for a closed connection. Bytes are plaintext bytes, or else those of TCP or
// UDP. Frames counts both directions. Nil is unknown.
type ConnClose struct {
	BytesSent, BytesReceived         *uint64
	DatagramsSent, DatagramsReceived *uint64 // of QUIC alone
	Frames                           *uint64
	Path                             *Path
	Crowd                            *exchange.Crowd // of HTTP/2 alone
	// Error is set if client and server spoke different protocols.
	Error *exchange.Error
}

func (ConnClose) action() string { return "close" }

func (e ConnClose) appendKeys(s *screen, b []byte) []byte {
	if e.Error != nil {
		b = s.appendError(b, e.Error)
	}
	b = appendIntOrNull(b, "bytes_sent", e.BytesSent)
	b = appendIntOrNull(b, "bytes_received", e.BytesReceived)
	b = appendPath(b, e.Path, e.Frames)
	if e.Crowd != nil {
		b = appendCount(b, "peak_streams", e.Crowd.Peak, true)
		b = appendIntOrNull(b, "max_concurrent_streams", e.Crowd.Allowed)
	}
	if e.DatagramsSent != nil && e.DatagramsReceived != nil {
		b = appendIntOrNull(b, "datagrams_sent", e.DatagramsSent)
		b = appendIntOrNull(b, "datagrams_received", e.DatagramsReceived)
	}
	return b
}

// ConnResync is for a direction of a connection whose frame boundaries were lost and
// are found again. Skipped is how many bytes were seen and not decoded.
type ConnResync struct {
	Dir     decoder.Direction
	Skipped int64
}

func (ConnResync) action() string { return "resync" }

func (e ConnResync) appendKeys(_ *screen, b []byte) []byte {
	b = appendText(b, "dir", e.Dir.String())
	return appendInteger(appendKey(b, "skipped_bytes"), uint64(e.Skipped))
}

// ConnFlood is for a connection whose frames are counted from now on, and not decoded. Dir
// is the direction of the last one that was.
type ConnFlood struct{ Dir decoder.Direction }

func (ConnFlood) action() string { return "flood" }

func (e ConnFlood) appendKeys(_ *screen, b []byte) []byte {
	return appendText(b, "dir", e.Dir.String())
}

// ConnCounted is for a connection whose frames are decoded again, or that ends.
type ConnCounted struct{ Flood *decoder.Flood }

func (ConnCounted) action() string { return "counted" }

func (e ConnCounted) appendKeys(_ *screen, b []byte) []byte {
	b = appendMillis(appendKey(b, "flood_ms"), max(e.Flood.End.Sub(e.Flood.Start), 0))
	b = append(appendKey(b, "counted"), '[')
	sep := false
	for d := range e.Flood.Counted {
		for typ, n := range e.Flood.Counted[d] {
			if n.Frames == 0 {
				continue
			}
			if sep {
				b = append(b, ',')
			}
			sep = true
			b = append(b, `{"dir":"`...)
			b = append(b, decoder.Direction(d).String()...)
			b = append(b, '"')
			b = appendText(b, "type", decoder.Type(typ).String())
			b = appendInteger(appendKey(b, "frames"), n.Frames)
			b = appendInteger(appendKey(b, "bytes"), n.Bytes)
			b = append(b, '}')
		}
	}
	return append(b, ']')
}

// ConnDNS is for a query to a name server and its answer. The Conn holds the addresses
// of the query, and the name in it.
type ConnDNS struct {
	Type    string
	RCode   string // empty if there was no answer
	Answers []string
}

func (ConnDNS) action() string { return "dns" }

func (e ConnDNS) appendKeys(s *screen, b []byte) []byte {
	b = s.appendText(b, "type", e.Type)
	b = s.appendTextOrNull(b, "rcode", e.RCode)
	return s.appendTexts(b, "answers", e.Answers)
}

// ConnFailed is for a connection that was not established: there was no address, nobody
// accepted, or the TLS handshake failed.
type ConnFailed struct {
	Error *exchange.Error
	// Proxy is the entry of GOPROXY that the connection was to. Next is what the go
	// command tries next: another proxy, goproxy.Direct, goproxy.Off or goproxy.None.
	// Barred is the entry that it does not try because of a ",". Each is empty if there
	// is none.
	Proxy, Next, Barred string
}

func (ConnFailed) action() string { return "failed" }

func (e ConnFailed) appendKeys(s *screen, b []byte) []byte {
	b = s.appendError(b, e.Error)
	b = s.appendTextOrNull(b, "proxy", e.Proxy)
	b = s.appendTextOrNull(b, "next", e.Next)
	return s.appendBarred(b, e.Barred)
}

// ConnSilent is for a connection without data while it was observed. It is printed when
// the connection or its observation ends.
type ConnSilent struct {
	State ConnState
	Proxy string // as in ConnFailed
	// BytesSent and BytesReceived count the bytes of TCP.
	BytesSent, BytesReceived *uint64
	// Silent is how long no data went, and Last the direction of the last data. OtherWay
	// is how long none went in the other direction. Nil is unknown. Last is also nil if
	// there never was any data.
	Silent, OtherWay *time.Duration
	Last             *decoder.Direction
}

// ConnState is the state of a silent connection.
type ConnState string

// The states.
const (
	StateConnecting ConnState = "connecting"
	StateConnected  ConnState = "connected"
	StateClosed     ConnState = "closed" // when it is printed
)

func (ConnSilent) action() string { return "silent" }

func (e ConnSilent) appendKeys(s *screen, b []byte) []byte {
	b = s.appendTextOrNull(b, "proxy", e.Proxy)
	b = appendIntOrNull(b, "bytes_sent", e.BytesSent)
	b = appendIntOrNull(b, "bytes_received", e.BytesReceived)
	b = appendText(b, "state", string(e.State))
	b = appendMillisOrNull(b, "silent_ms", e.Silent)
	b = appendTextOrNull(b, "last", directionName(e.Last))
	return appendMillisOrNull(b, "other_way_ms", e.OtherWay)
}

func directionName(d *decoder.Direction) string {
	if d == nil {
		return ""
	}
	return d.String()
}
