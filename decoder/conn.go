package decoder

// Role is the side of the connection that the observed process is on.
type Role uint8

// The roles. RoleUnknown is for connections met in the middle.
const (
	RoleUnknown Role = iota
	Client
	Server
)

// Protocol is what a connection was found to speak.
type Protocol uint8

// The protocols that the first bytes of the client decide between.
const (
	ProtocolUnknown Protocol = iota
	HTTP2
	HTTP1
)

// Config says what is known of a connection when its decoding begins.
type Config struct {
	Role Role
	// FromStart is set when the first byte of both directions will be seen.
	FromStart bool
	// BodyBytes is how much of each DATA payload a Frame carries.
	BodyBytes int
}

// Sink receives what a Conn decodes. Calls come from inside the methods of
// Conn, in the order in which the bytes went.
type Sink interface {
	// Protocol is called once, before any other method, as soon as the bytes
	// decide it. fromStart says that the client's first byte was seen.
	Protocol(at int64, p Protocol, fromStart bool)
	// Frame is called for each frame when its last byte has been seen.
	Frame(f *Frame)
	// Resync is called when frame boundaries were lost and are found again;
	// skipped is how many seen bytes lay in between and were not decoded.
	Resync(at int64, dir Direction, skipped int64)
}
