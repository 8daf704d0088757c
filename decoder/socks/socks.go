// Package socks finds where the tunnel of a SOCKS5 proxy begins (RFC 1928, RFC 1929), for
// an observer of both directions. It does no I/O.
//
//	c := socks.New() // where the first byte of the client is socks.Version
//	inner := c.Client(b)
//	fmt.Println(c.Target, len(inner))
package socks

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// Version is the first byte of a client (RFC 1928 §3).
const Version = 5

const (
	// maxHeld bounds the bytes that wait in a direction. No message is longer than 513.
	maxHeld = 1 << 10

	noneChosen   = -1
	userPassword = 2 // RFC 1929
)

// Conn is a connection to a SOCKS5 proxy. The caller gives it both directions in the
// order of their bytes.
type Conn struct {
	client, server side
	method         int // noneChosen, or what the proxy chose
	// Target is where the tunnel leads, as "host:port", once the client has said so.
	Target string
	// Failed says that there will be no tunnel.
	Failed bool
}

// side is one direction before the tunnel.
type side struct {
	buf  []byte
	step int
}

// New returns a Conn of which nothing was seen yet.
func New() *Conn { return &Conn{method: noneChosen} }

// Client takes the next bytes of the client, and returns those of the tunnel. They are
// part of b, or of all that the client has sent.
func (c *Conn) Client(b []byte) (tunnel []byte) {
	return c.take(&c.client, b, c.clientStep)
}

// Server takes the next bytes of the proxy, and returns those of the tunnel.
func (c *Conn) Server(b []byte) (tunnel []byte) {
	return c.take(&c.server, b, c.serverStep)
}

// tunnelBegins is the step after the last message of a direction.
const tunnelBegins = 3

// take goes on by messages, until the tunnel begins after the last of them. message
// returns the length of the one at the beginning of b: 0 if it is incomplete, and
// absent if there is none.
func (c *Conn) take(s *side, b []byte, message func(step int, b []byte) int) []byte {
	switch {
	case c.Failed:
		return nil
	case s.step == tunnelBegins:
		return b
	}
	s.buf = append(s.buf, b...)
	for s.step < tunnelBegins {
		n := message(s.step, s.buf)
		if n == 0 || n > len(s.buf) {
			c.Failed = c.Failed || len(s.buf) > maxHeld
		}
		if c.Failed { // what follows is not of a tunnel
			s.buf = nil
			return nil
		}
		if n == 0 || n > len(s.buf) {
			return nil
		}
		s.buf = s.buf[max(0, n):]
		s.step++
	}
	tunnel := s.buf
	s.buf = nil
	return tunnel
}

// absent stands for a message that is not sent.
const absent = -1

// clientStep returns the length of a message of the client: its methods, its name and
// password, and its request.
func (c *Conn) clientStep(step int, b []byte) int {
	switch {
	case len(b) < 2:
		return 0
	case step == 0:
		return 2 + int(b[1])
	case c.method == noneChosen:
		return 0 // waits for the answer
	case step == 1 && c.method != userPassword:
		return absent
	case step == 1:
		n := 2 + int(b[1])
		if len(b) <= n {
			return 0
		}
		return n + 1 + int(b[n])
	}
	n := addressed(b)
	if n > 0 && n <= len(b) {
		c.Target = target(b, n)
	}
	return n
}

// serverStep returns the length of a message of the proxy: its choice of a method, its
// answer to a password, and its reply.
func (c *Conn) serverStep(step int, b []byte) int {
	switch {
	case step == 1 && c.method != userPassword:
		return absent
	case len(b) < 2:
		return 0
	case step == 0:
		c.method = int(b[1])
		c.Failed = c.method == 0xff
		return 2
	case step == 1:
		c.Failed = b[1] != 0
		return 2
	}
	c.Failed = b[1] != 0
	return addressed(b)
}

// The types of an address (RFC 1928 §5). The third, 3, is a name after its length.
const (
	typeIPv4 = 1
	typeIPv6 = 4
)

// addressed returns the length of a request or reply (RFC 1928 §4, §6), or 0 if too
// little of it is there.
func addressed(b []byte) int {
	if len(b) < 5 {
		return 0
	}
	switch b[3] {
	case typeIPv4:
		return 4 + 4 + 2
	case typeIPv6:
		return 4 + 16 + 2
	}
	return 4 + 1 + int(b[4]) + 2
}

// target returns where a request of n bytes leads.
func target(b []byte, n int) string {
	port := binary.BigEndian.Uint16(b[n-2:])
	if b[3] != typeIPv4 && b[3] != typeIPv6 {
		return string(b[5:n-2]) + ":" + strconv.Itoa(int(port))
	}
	addr, _ := netip.AddrFromSlice(b[4 : n-2])
	return netip.AddrPortFrom(addr, port).String()
}
