package dns

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// message is what one DNS message says.
type message struct {
	id       uint16
	response bool
	name     string
	kind     string // QTYPE
	rcode    string
	answers  []string
	addrs    []netip.Addr
}

// maxAnswers bounds the answers that are kept of one message.
const maxAnswers = 64

// parse parses a message with one question, as all are in practice. Answers end
// where they cannot be understood: one that is too long for UDP is cut (TC).
func parse(b []byte) (*message, error) {
	var p dnsmessage.Parser
	head, err := p.Start(b)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	if _, err := p.Question(); err == nil || head.OpCode != 0 {
		return nil, fmt.Errorf("opcode %d, or more than one question", head.OpCode)
	}
	m := &message{
		id: head.ID, response: head.Response,
		name: canonical(q.Name), kind: typeName(q.Type), rcode: rcodeName(head.RCode),
	}
	for m.response && len(m.answers) < maxAnswers && m.answer(&p) {
	}
	return m, nil
}

// answer notes the next record as dig +short writes it; of types with other
// data, only the type.
func (m *message) answer(p *dnsmessage.Parser) bool {
	r, err := p.Answer()
	if err != nil {
		return false
	}
	text := typeName(r.Header.Type)
	switch body := r.Body.(type) {
	case *dnsmessage.AResource:
		text = m.address(netip.AddrFrom4(body.A))
	case *dnsmessage.AAAAResource:
		text = m.address(netip.AddrFrom16(body.AAAA))
	case *dnsmessage.CNAMEResource:
		text = body.CNAME.String()
	case *dnsmessage.PTRResource:
		text = body.PTR.String()
	case *dnsmessage.NSResource:
		text = body.NS.String()
	case *dnsmessage.SRVResource:
		text = fmt.Sprintf("%d %d %d %s", body.Priority, body.Weight, body.Port, body.Target)
	}
	m.answers = append(m.answers, text)
	return true
}

func (m *message) address(a netip.Addr) string {
	m.addrs = append(m.addrs, a.Unmap())
	return a.String()
}

// canonical returns a name in lower case and without the final dot: names are
// the same in any case (RFC 4343).
func canonical(name dnsmessage.Name) string {
	return strings.TrimSuffix(strings.ToLower(name.String()), ".")
}

// typeName returns the mnemonic of a type, or TYPE65 (RFC 3597 §5).
func typeName(t dnsmessage.Type) string {
	if name, ok := strings.CutPrefix(t.String(), "Type"); ok {
		return name
	}
	return "TYPE" + strconv.Itoa(int(t))
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
