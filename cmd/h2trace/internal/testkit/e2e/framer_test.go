package e2e

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// peer is an endpoint that follows a script. Its writes go out in one piece before
// its next read. Its methods panic on errors, which play turns into an error of the
// script.
type peer struct {
	*http2.Framer
	conn net.Conn
	sent bytes.Buffer // all bytes, including a client's preface
	out  *bufio.Writer
	enc  *hpack.Encoder
	hbuf bytes.Buffer
}

func newPeer(conn net.Conn) *peer {
	p := &peer{conn: conn}
	p.out = bufio.NewWriterSize(io.MultiWriter(&p.sent, conn), 1<<20)
	p.Framer = http2.NewFramer(p.out, conn)
	p.AllowIllegalWrites, p.AllowIllegalReads = true, true
	p.enc = hpack.NewEncoder(&p.hbuf)
	return p
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// play runs a script and returns how it failed, or nil.
func (p *peer) play(script func(*peer)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("script: %v", r)
		}
	}()
	must(p.conn.SetDeadline(time.Now().Add(patience)))
	script(p)
	return nil
}

// block encodes a header list.
func (p *peer) block(fields ...hpack.HeaderField) []byte {
	p.hbuf.Reset()
	for _, f := range fields {
		must(p.enc.WriteField(f))
	}
	return bytes.Clone(p.hbuf.Bytes())
}

// until reads frames until one satisfies found.
func (p *peer) until(found func(http2.Frame) bool) http2.Frame {
	must(p.out.Flush())
	for {
		f, err := p.ReadFrame()
		must(err)
		if found(f) {
			return f
		}
	}
}

// untilPing sends a PING and reads until its ACK: the other side has then read
// everything sent before.
func (p *peer) untilPing() {
	must(p.WritePing(false, [8]byte{'s', 'y', 'n', 'c'}))
	p.until(func(f http2.Frame) bool {
		return f.Header().Type == http2.FramePing && f.Header().Flags.Has(http2.FlagPingAck)
	})
}

// untilClosed reads until the other side is gone.
func (p *peer) untilClosed() {
	must(p.out.Flush())
	for {
		if _, err := p.ReadFrame(); err != nil {
			return
		}
	}
}

// accept plays the server's part up to the first request, and returns its stream.
func (p *peer) accept(settings ...http2.Setting) uint32 {
	preface := make([]byte, len(http2.ClientPreface))
	_, err := io.ReadFull(p.conn, preface)
	must(err)
	must(p.WriteSettings(settings...))
	f := p.until(func(f http2.Frame) bool { return f.Header().Type == http2.FrameHeaders })
	must(p.WriteSettingsAck())
	return f.Header().StreamID
}

// scriptedServer is a server on loopback that plays a script on each connection, one
// after the other. The results come on the channel.
func scriptedServer(t *testing.T, a *modproxy.Authority, scripts ...func(*peer)) (addr string, played <-chan *peer) {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{a.Server(t)}, NextProtos: []string{"h2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	done := make(chan *peer, len(scripts))
	go func() {
		defer close(done)
		for _, script := range scripts {
			conn, err := ln.Accept()
			if err != nil {
				return // closed by the cleanup
			}
			p := newPeer(conn)
			if err := p.play(script); err != nil {
				t.Error(err)
			}
			_ = conn.Close()
			done <- p
		}
	}()
	return ln.Addr().String(), done
}

// headersOf returns the frame headers in b, after the client preface if b has
// one, as type, flags, stream and length.
func headersOf(b []byte) [][4]uint32 {
	b = bytes.TrimPrefix(b, []byte(http2.ClientPreface))
	var out [][4]uint32
	for len(b) >= 9 {
		n := binary.BigEndian.Uint32(b[:4]) >> 8
		out = append(out, [4]uint32{uint32(b[3]), uint32(b[4]), binary.BigEndian.Uint32(b[5:9]) & (1<<31 - 1), n})
		b = b[min(len(b), 9+int(n)):]
	}
	return out
}

// header returns a frame of the trace in the form of headersOf.
func header(f *wire.Frame) [4]uint32 {
	return [4]uint32{uint32(f.Type), uint32(f.Flags), f.Stream, f.Length}
}
