package main

import (
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// resolver answers queries for one name, over UDP.
type resolver struct {
	name  string
	addr  netip.Addr
	addr6 netip.Addr // zero: none
	delay spread
	fail  bool
	loss  float64 // share of the queries that get no answer

	mu  sync.Mutex
	log *json.Encoder // nil without a log
}

// asked is a line of the log.
type asked struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	RCode string `json:"rcode"`
}

// note writes a line of the log.
func (r *resolver) note(q dnsmessage.Question, rcode string) error {
	if r.log == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Encode(asked{strings.TrimSuffix(q.Name.String(), "."), strings.TrimPrefix(q.Type.String(), "Type"), rcode})
}

// serve answers until conn is closed.
func (r *resolver) serve(conn net.PacketConn) {
	for {
		buf := make([]byte, 1500)
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if rand.Float64() < r.loss {
			continue
		}
		go func() {
			if answer, err := r.answer(buf[:n]); err == nil {
				r.delay.sleep()
				_, _ = conn.WriteTo(answer, from) // the client repeats its query
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
	rcode := "NOERROR"
	switch {
	case r.fail:
		header.RCode, rcode = dnsmessage.RCodeServerFailure, "SERVFAIL"
	case !known:
		header.RCode, rcode = dnsmessage.RCodeNameError, "NXDOMAIN"
	}
	if err := r.note(q, rcode); err != nil {
		return nil, err
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
	if known && !r.fail && q.Type == dnsmessage.TypeAAAA && r.addr6.IsValid() {
		head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}
		if err := b.AAAAResource(head, dnsmessage.AAAAResource{AAAA: r.addr6.As16()}); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}
