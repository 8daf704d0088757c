package bpf

// Wire is what the packets of a connection carry, if its bytes come from there.
type Wire uint8

// The kinds. WireNone: its bytes come from probes. WireHTTP: HTTP without TLS, or
// something else. The kernel decides by the first packet. If a later one has overtaken
// that, it takes TLS for this, too.
const (
	WireNone Wire = iota
	WireHTTP
	WireTLS
)

// One of these is set in the number of a connection whose bytes come from packets; the
// rest is the cookie of its socket.
const (
	cleartextConn = 1 << 63
	tlsConn       = 1 << 62
	packetConn    = cleartextConn | tlsConn
)

// PacketConn returns the number of the connection on a socket whose bytes come from packets.
func PacketConn(w Wire, socket uint64) uint64 {
	if w == WireTLS {
		return socket&^packetConn | tlsConn
	}
	return socket&^packetConn | cleartextConn
}

// wireOf returns what the number of a connection says.
func wireOf(conn uint64) Wire {
	switch {
	case conn&cleartextConn != 0:
		return WireHTTP
	case conn&tlsConn != 0:
		return WireTLS
	}
	return WireNone
}

// SocketOf returns the cookie of the socket of a connection whose bytes come from packets.
func SocketOf(conn uint64) uint64 { return conn &^ packetConn }

// TLSIn returns the number that the probes of the Recovery give to TLS on the socket of a
// connection without TLS, as through an HTTP proxy: they do not know of the proxy.
func TLSIn(conn uint64) uint64 { return conn&^packetConn | tlsConn }

// CarrierOf returns the number of the connection that has a socket, where TLSIn is the
// number of the TLS in it.
func CarrierOf(conn uint64) uint64 { return conn&^packetConn | cleartextConn }
