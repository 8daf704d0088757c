package hostile

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/netip"
	"sync"

	"h2trace/cmd/h2trace/internal/testkit/wiretap"
)

// Sealed has two endpoints of TLS say what they say, in records of their own. It returns the
// packets, and the session secrets that open them.
func (t *Talk) Sealed(cert tls.Certificate) (packets []wiretap.Packet, secrets []byte, err error) {
	tap := wiretap.New(mss)
	c, s := tap.Connect(netip.MustParseAddrPort("203.0.113.5:443"))
	var keys bytes.Buffer
	// Tickets of the server would come at another place each time.
	from := tls.Client(c, &tls.Config{InsecureSkipVerify: true, KeyLogWriter: &keys, NextProtos: []string{"h2"}})
	to := tls.Server(s, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}, SessionTicketsDisabled: true})
	var readers sync.WaitGroup
	shake := make(chan error, 1)
	go func() { shake <- to.Handshake() }()
	if err := from.Handshake(); err != nil {
		return nil, nil, err
	}
	if err := <-shake; err != nil {
		return nil, nil, err
	}
	for _, end := range []*tls.Conn{from, to} {
		readers.Go(func() { _, _ = io.Copy(io.Discard, end) })
	}
	for _, step := range t.Steps {
		end := to
		if step.FromClient {
			end = from
		}
		if _, err := end.Write(step.Bytes); err != nil {
			return nil, nil, err
		}
	}
	c.Close()
	s.Close()
	readers.Wait()
	return tap.Packets(), keys.Bytes(), nil
}
