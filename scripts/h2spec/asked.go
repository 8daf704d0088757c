package main

import (
	"bytes"
	"io"
	"net"
	"os"

	"golang.org/x/net/http2"
)

// askedConn is the connection of a client that is known not to do what a case wants. Once the client
// has sent its request, and a case awaits something, it is sent a PING. Its answer shows that it has
// taken all that came before, and is the end of the wait.
type askedConn struct {
	net.Conn
	heard     bytes.Buffer // what is not parsed yet
	preface   int          // bytes of it that were read
	requested bool
	asked     bool
	answered  bool
}

var question = [8]byte{'h', '2', 't', 'r', 'a', 'c', 'e', '?'}

// Read implements net.Conn.
func (c *askedConn) Read(p []byte) (int, error) {
	if c.answered {
		return 0, &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
	}
	if c.requested && !c.asked {
		c.asked = true
		if err := http2.NewFramer(c.Conn, nil).WritePing(false, question); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(p)
	skip := min(n, len(http2.ClientPreface)-c.preface)
	c.preface += skip
	c.heard.Write(p[skip:n])
	for c.next() {
	}
	return n, err
}

// next takes a frame of the client, if there is a whole one.
func (c *askedConn) next() bool {
	const header = 9
	b := c.heard.Bytes()
	if len(b) < header {
		return false
	}
	if n := int(b[0])<<16 | int(b[1])<<8 | int(b[2]); len(b) < header+n {
		return false
	}
	f, err := http2.NewFramer(io.Discard, &c.heard).ReadFrame()
	switch f := f.(type) {
	case *http2.HeadersFrame:
		c.requested = c.requested || f.StreamEnded()
	case *http2.PingFrame:
		c.answered = c.answered || f.IsAck() && f.Data == question
	}
	return err == nil
}
