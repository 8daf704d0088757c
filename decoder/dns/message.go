package dns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
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

const (
	// maxAnswers bounds the answers that are kept of one message.
	maxAnswers = 64
	// headLength is that of a header in bytes (RFC 1035 §4.1.1).
	headLength = 12
)

// parse parses a message with one question, as all are in practice. Answers end
// where they cannot be understood: one that is too long for UDP is cut (TC).
func parse(b []byte) (*message, error) {
	if len(b) < headLength {
		return nil, errors.New("no header")
	}
	if n := binary.BigEndian.Uint16(b[4:]); n != 1 {
		return nil, fmt.Errorf("%d questions", n)
	}
	d, err := decode(b)
	switch {
	case len(d.Questions) == 0:
		return nil, err
	case d.OpCode != layers.DNSOpCodeQuery:
		return nil, fmt.Errorf("opcode %d", d.OpCode)
	}
	q := &d.Questions[0]
	m := &message{
		id: d.ID, response: d.QR,
		// Names are the same in any case (RFC 4343).
		name: strings.ToLower(string(q.Name)), kind: typeName(q.Type), rcode: rcodeName(d.ResponseCode),
	}
	for i := range d.Answers {
		m.answer(&d.Answers[i])
	}
	return m, nil
}

// decode decodes the header, the question and the answers, as far as they are
// there. gopacket would unpack all names of a message, each up to 64 KiB, and
// panics where one ends within the fields behind a name.
func decode(b []byte) (d layers.DNS, err error) {
	b = slices.Clip(slices.Clone(b)) // or it reads behind the end
	binary.BigEndian.PutUint16(b[6:], min(binary.BigEndian.Uint16(b[6:]), maxAnswers))
	clear(b[8:headLength]) // authorities and additional records
	defer func() {
		if p := recover(); p != nil {
			d.Answers = d.Answers[:max(len(d.Answers), 1)-1] // without the one it was at
			err = fmt.Errorf("decode: %v", p)
		}
	}()
	err = d.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	return d, err
}

// answer notes a record as dig +short writes it; of types with other data, only
// the type.
func (m *message) answer(r *layers.DNSResourceRecord) {
	text := typeName(r.Type)
	switch r.Type {
	case layers.DNSTypeA, layers.DNSTypeAAAA:
		if a, ok := netip.AddrFromSlice(r.IP); ok {
			text = a.String()
			m.addrs = append(m.addrs, a.Unmap())
		}
	case layers.DNSTypeCNAME:
		text = string(r.CNAME) + "."
	case layers.DNSTypePTR:
		text = string(r.PTR) + "."
	case layers.DNSTypeNS:
		text = string(r.NS) + "."
	case layers.DNSTypeSRV:
		text = fmt.Sprintf("%d %d %d %s.", r.SRV.Priority, r.SRV.Weight, r.SRV.Port, r.SRV.Name)
	}
	m.answers = append(m.answers, text)
}

// typeName returns the mnemonic of a type, or TYPE65 (RFC 3597 §5).
func typeName(t layers.DNSType) string {
	if name := t.String(); name != "Unknown" {
		return name
	}
	return "TYPE" + strconv.Itoa(int(t))
}

// rcodeNames are the mnemonics of RFC 6895 §2.3, as dig prints them.
var rcodeNames = [...]string{
	"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
}

func rcodeName(c layers.DNSResponseCode) string {
	if int(c) < len(rcodeNames) {
		return rcodeNames[c]
	}
	return "RCODE" + strconv.Itoa(int(c))
}
