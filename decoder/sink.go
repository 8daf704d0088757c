package decoder

import "h2trace/decoder/ktime"

// Sink receives what a Conn decodes. Calls come from inside the methods of
// Conn, in the order in which the bytes went.
type Sink interface {
	// Protocol is called once, before any other method, as soon as the bytes
	// decide it. fromStart says that the client's first byte was seen.
	Protocol(at ktime.Time, p Protocol, fromStart bool)
	// Frame is called for each frame when its last byte has been seen, or
	// later when frame boundaries had to be found first: frames of one
	// direction come in order, and each has its own time.
	Frame(f *Frame)
	// Resync is called when frame boundaries were lost and are found again;
	// skipped is how many seen bytes lay in between and were not decoded. The
	// first boundaries of a connection met in the middle are reported only
	// if bytes before them were skipped.
	Resync(at ktime.Time, dir Direction, skipped int64)
}

// ByteSink is a Sink that takes the bytes of connections that speak HTTP/1.x,
// which this package does not decode, from the first that Conn was given.
type ByteSink interface {
	Sink
	// Bytes is called for the next bytes of a direction. b is not to be kept.
	Bytes(at ktime.Time, dir Direction, b []byte)
	// Gap is called for n bytes that were lost, -1 when their number is not
	// known.
	Gap(at ktime.Time, dir Direction, n int64)
}

// LossSink is a Sink that takes losses.
type LossSink interface {
	Sink
	// Lost is called when frames of a direction may have been missed.
	Lost(dir Direction)
}
