package reference

import "golang.org/x/net/http2/hpack"

// Dir is a direction: what the client sends, or what it receives.
type Dir int

// The directions.
const (
	Send Dir = iota
	Recv
)

func (d Dir) other() Dir { return d ^ 1 }

const (
	maxWindow     = 1<<31 - 1 // RFC 9113 §6.9.1
	defaultWindow = 65535     // RFC 9113 §6.9.2
)

// Frame is what is to be reported of a frame.
type Frame struct {
	At     int64
	Dir    Dir
	Type   byte
	Flags  byte
	Stream uint32
	Length int
	// Conn and Credit are the windows of the connection and of the stream by direction,
	// which are known if Open is set.
	Conn, Credit [2]int64
	Open         bool
	// Fields are those of the block that the frame ends. Unknown says that some are not
	// known, as a block before could not be decoded.
	Ends    bool
	Unknown bool
	Fields  []hpack.HeaderField
	// Broken is the section of the rule that the frame breaks, and Code the error code of
	// that (RFC 9113 §7).
	Broken string
	Code   uint32
}

// Exchange is what is to be reported of an exchange.
type Exchange struct {
	Stream      uint32
	Method, URL string
	Status      int
	Bytes       [2]int64 // of the bodies, by direction
	Class       string   // of its error, "" for none
	Start, End  int64
}

// stream is one stream.
type stream struct {
	id     uint32
	credit [2]int64
	ended  [2]bool // by END_STREAM
	reset  [2]bool // by RST_STREAM
	closed bool
	head   [2]bool // the header section of the message is complete
	gone   bool    // its exchange is over
	Exchange
}

// windows is RFC 9113 §6.9.
type windows struct {
	conn, initial [2]int64
	// announced are the values of INITIAL_WINDOW_SIZE, or -1, in the SETTINGS of the client
	// that the server has not acknowledged.
	announced []int64
}

func (c *Conversation) open(id uint32) *stream {
	s := &stream{id: id, credit: c.initial}
	s.Exchange = Exchange{Stream: id, Start: c.now}
	c.streams = append(c.streams, s)
	c.byID[id] = s
	return s
}

// setInitial changes the window of all streams that are open (§6.9.2). It reports whether one
// overflows.
func (c *Conversation) setInitial(d Dir, n int64) (overflows bool) {
	for _, s := range c.streams {
		if !s.closed {
			s.credit[d] += n - c.initial[d]
			overflows = overflows || s.credit[d] > maxWindow
		}
	}
	c.initial[d] = n
	return overflows
}

// spend takes DATA of n bytes (§6.9.1). It reports whether there is credit for it.
func (c *Conversation) spend(d Dir, s *stream, n int64) (may bool) {
	slack := int64(0)
	if d == Recv { // the server may apply SETTINGS before its acknowledgment (§6.5.3)
		for _, v := range c.announced {
			slack = max(slack, v-c.initial[Recv])
		}
	}
	may = n == 0 || n <= c.conn[d]
	c.conn[d] -= n
	if s != nil && !s.closed {
		may = may && (n == 0 || n <= s.credit[d]+slack)
		s.credit[d] -= n
	}
	return may
}

// grant adds credit, unless a window overflows by it (§6.9.1).
func grant(credit *int64, n int64) (fits bool) {
	if *credit+n > maxWindow {
		return false
	}
	*credit += n
	return true
}

// end takes that a direction of a stream has ended.
func (c *Conversation) end(d Dir, s *stream) {
	s.ended[d] = true
	if s.ended[Send] && s.ended[Recv] {
		s.closed = true
		c.finish(s, "")
	}
}

// finish ends an exchange. The status of a response has precedence over how it ended.
func (c *Conversation) finish(s *stream, class string) {
	if s.gone {
		return
	}
	s.gone, s.End = true, c.now
	s.Class = class
	switch s.Status / 100 {
	case 4:
		s.Class = "http_4xx"
	case 5:
		s.Class = "http_5xx"
	}
	c.Exchanges = append(c.Exchanges, s.Exchange)
}
