package main

import (
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// resolver answers for one name, over UDP.
type resolver struct {
	name  string
	addr  netip.Addr
	delay time.Duration
	fail  bool
}

// serve answers until conn is closed.
func (r *resolver) serve(conn net.PacketConn) {
	for {
		buf := make([]byte, 1500)
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		go func() {
			if answer, err := r.answer(buf[:n]); err == nil {
				time.Sleep(r.delay)
				_, _ = conn.WriteTo(answer, from) // the asker asks again
			}
		}()
	}
}

func (r *resolver) answer(query []byte) ([]byte, error) {
	var p dnsmessage.Parser
	header, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	known := q.Name.String() == r.name+"."
	header.Response, header.RecursionAvailable = true, true
	switch {
	case r.fail:
		header.RCode = dnsmessage.RCodeServerFailure
	case !known:
		header.RCode = dnsmessage.RCodeNameError
	}
	b := dnsmessage.NewBuilder(nil, header)
	b.EnableCompression()
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(q); err != nil {
		return nil, err
	}
	if err := b.StartAnswers(); err != nil {
		return nil, err
	}
	if known && !r.fail && q.Type == dnsmessage.TypeA {
		head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}
		if err := b.AResource(head, dnsmessage.AResource{A: r.addr.As4()}); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}
