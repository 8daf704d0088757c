package export

import (
	"time"

	"h2trace/decoder"
	"h2trace/decoder/exchange"
)

// ConnEvent is what happened to a connection: one of ConnOpen, ConnClose, ConnResync,
// ConnDNS, ConnFailed and ConnSilent.
type ConnEvent interface {
	action() string
	// appendKeys appends the keys that the events of other actions do not have.
	appendKeys(s *screen, b []byte) []byte
}

// ConnOpen is for a connection that is new, or was met.
type ConnOpen struct{}

func (ConnOpen) action() string                        { return "open" }
func (ConnOpen) appendKeys(_ *screen, b []byte) []byte { return b }

// ConnClose is for a connection that was closed. Bytes are of plaintext, and frames
// of both directions; nil is unknown.
type ConnClose struct {
	BytesSent, BytesReceived *uint64
	Frames                   *uint64
	Path                     *Path
	// Error is set where client and server did not speak the same.
	Error *exchange.Error
}

func (ConnClose) action() string { return "close" }

func (e ConnClose) appendKeys(s *screen, b []byte) []byte {
	b = appendIntOrNull(b, "bytes_sent", e.BytesSent)
	b = appendIntOrNull(b, "bytes_received", e.BytesReceived)
	b = appendPath(b, e.Path, e.Frames)
	if e.Error != nil {
		b = s.appendError(b, e.Error)
	}
	return b
}

// ConnResync is for a direction of a connection whose frame boundaries were lost and
// are found again. Skipped of its bytes were seen and not decoded.
type ConnResync struct {
	Dir     decoder.Direction
	Skipped int64
}

func (ConnResync) action() string { return "resync" }

func (e ConnResync) appendKeys(_ *screen, b []byte) []byte {
	b = appendText(b, "dir", e.Dir.String())
	return appendInteger(appendKey(b, "skipped_bytes"), uint64(e.Skipped))
}

// ConnDNS is for a question to a name server and its answer. The addresses of the
// Conn are those of the query, and its name is what is asked for.
type ConnDNS struct {
	Type    string
	RCode   string // empty when it was not answered
	Answers []string
}

func (ConnDNS) action() string { return "dns" }

func (e ConnDNS) appendKeys(_ *screen, b []byte) []byte {
	b = appendText(b, "type", e.Type)
	b = appendTextOrNull(b, "rcode", e.RCode)
	return appendTexts(b, "answers", e.Answers)
}

// ConnFailed is for a connection that was not made: there was no address, nobody
// accepted, or the TLS handshake failed.
type ConnFailed struct {
	Error *exchange.Error
	// Proxy is the entry of GOPROXY that it was to, Next what a go command asks
	// instead: another, goproxy.Direct, goproxy.Off or goproxy.None; and Barred the
	// entry that a "," keeps from being asked. Each is empty where there is none.
	Proxy, Next, Barred string
}

func (ConnFailed) action() string { return "failed" }

func (e ConnFailed) appendKeys(s *screen, b []byte) []byte {
	b = s.appendError(b, e.Error)
	b = appendTextOrNull(b, "proxy", e.Proxy)
	b = appendTextOrNull(b, "next", e.Next)
	return appendBarred(b, e.Barred)
}

// ConnSilent is for a connection on which nothing went while it was observed, printed
// when that ends.
type ConnSilent struct {
	State ConnState
	Proxy string // as in ConnFailed
	// BytesSent and BytesReceived are what TCP has moved.
	BytesSent, BytesReceived *uint64
	// Silent is for how long no data went, Last in which direction the last did,
	// and OtherWay for how long none went the other way. Nil is unknown; Last is nil
	// also where none ever went.
	Silent, OtherWay *time.Duration
	Last             *decoder.Direction
}

// ConnState says how far a silent connection has come.
type ConnState string

// The states.
const (
	StateConnecting ConnState = "connecting"
	StateConnected  ConnState = "connected"
	StateClosed     ConnState = "closed" // at that moment
)

func (ConnSilent) action() string { return "silent" }

func (e ConnSilent) appendKeys(_ *screen, b []byte) []byte {
	b = appendTextOrNull(b, "proxy", e.Proxy)
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
