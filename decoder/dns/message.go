package dns

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// message is a parsed DNS message.
type message struct {
	id       uint16
	response bool
	name     string
	kind     string // QTYPE
	rcode    string
	answers  []string
	addrs    []netip.Addr
}

const (
	// maxAnswers bounds the answers kept per message.
	maxAnswers = 64
	// headLength is the length of a header in bytes (RFC 1035 §4.1.1).
	headLength = 12
)

// parse parses a message with one question; in practice no message has more. It stops
// at the first malformed answer: a message too long for UDP is cut (TC).
func parse(b []byte) (*message, error) {
	if len(b) < headLength {
		return nil, errors.New("no header")
	}
	if n := binary.BigEndian.Uint16(b[4:]); n != 1 {
		return nil, fmt.Errorf("%d questions", n)
	}
	var p dnsmessage.Parser
	head, err := p.Start(b)
	if err != nil {
		return nil, err
	}
	questions, err := p.AllQuestions()
	switch {
	case err != nil:
		return nil, err
	case head.OpCode != 0:
		return nil, fmt.Errorf("opcode %d", head.OpCode)
	}
	q := &questions[0]
	m := &message{
		id: head.ID, response: head.Response,
		// Names are case-insensitive (RFC 4343).
		name: strings.ToLower(strings.TrimSuffix(q.Name.String(), ".")), kind: typeName(q.Type), rcode: rcodeName(head.RCode),
	}
	for range maxAnswers {
		head, err := p.AnswerHeader()
		next := p
		if err != nil || next.SkipAnswer() != nil || !m.answer(&p, head) {
			break
		}
		p = next
	}
	return m, nil
}

// answer appends the record at p as dig +short prints it, or only its type where this
// package does not know the data. It reports whether the data is valid.
func (m *message) answer(p *dnsmessage.Parser, head dnsmessage.ResourceHeader) bool {
	text := typeName(head.Type)
	var err error
	switch {
	case head.Type == dnsmessage.TypeA && head.Length == 4:
		var r dnsmessage.AResource
		if r, err = p.AResource(); err == nil {
			text = m.address(netip.AddrFrom4(r.A))
		}
	case head.Type == dnsmessage.TypeAAAA && head.Length == 16:
		var r dnsmessage.AAAAResource
		if r, err = p.AAAAResource(); err == nil {
			text = m.address(netip.AddrFrom16(r.AAAA))
		}
	case head.Type == dnsmessage.TypeCNAME:
		var r dnsmessage.CNAMEResource
		r, err = p.CNAMEResource()
		text = r.CNAME.String()
	case head.Type == dnsmessage.TypePTR:
		var r dnsmessage.PTRResource
		r, err = p.PTRResource()
		text = r.PTR.String()
	case head.Type == dnsmessage.TypeNS:
		var r dnsmessage.NSResource
		r, err = p.NSResource()
		text = r.NS.String()
	case head.Type == dnsmessage.TypeSRV:
		var r dnsmessage.SRVResource
		r, err = p.SRVResource()
		text = fmt.Sprintf("%d %d %d %s", r.Priority, r.Weight, r.Port, r.Target.String())
	}
	if err == nil {
		m.answers = append(m.answers, text)
	}
	return err == nil
}

func (m *message) address(a netip.Addr) string {
	m.addrs = append(m.addrs, a.Unmap())
	return a.String()
}

// typeNames are the mnemonics that this package prints.
var typeNames = map[dnsmessage.Type]string{
	1: "A", 2: "NS", 3: "MD", 4: "MF", 5: "CNAME", 6: "SOA", 7: "MB", 8: "MG", 9: "MR", 10: "NULL", 11: "WKS",
	12: "PTR", 13: "HINFO", 14: "MINFO", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 41: "OPT", 256: "URI",
}

// typeName returns the mnemonic of a type, or TYPE65 (RFC 3597 §5).
func typeName(t dnsmessage.Type) string {
	return cmp.Or(typeNames[t], "TYPE"+strconv.Itoa(int(t)))
}

// rcodeNames are the mnemonics of RFC 6895 §2.3, as dig prints them.
var rcodeNames = [...]string{
	"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
}

func rcodeName(c dnsmessage.RCode) string {
	if int(c) < len(rcodeNames) {
		return rcodeNames[c]
	}
	return "RCODE" + strconv.Itoa(int(c))
}
