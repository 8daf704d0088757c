//go:build linux

package bpf

import (
	"fmt"
	"strings"
	"unsafe"

	"h2trace/bpf/layout"
	"h2trace/decoder/ktime"
)

// parser turns samples of the ring into events. It owns one event of each kind, so
// that parsing allocates none.
type parser struct {
	layoutAt func(index uint32) connLayout
	tlsAt    func(number uint32) *layout.TLS
	large    largeTables

	data      Data
	segment   Segment
	open      Open
	close     Close
	exec      Exec
	exit      Exit
	lock      Lock
	table     Table
	block     Block
	windows   Windows
	message   Message
	connect   ConnectFailed
	field     Field
	list      List
	dns       DNS
	hello     Hello
	quic      QUIC
	released  Released
	handshake Handshake
	failed    HandshakeFailed
	secret    Secret
	spot      Spot
	socket    SocketLeft

	// secretRecord is a copy of the record of secret, which can be wiped.
	secretRecord probesSecretRecord
}

// parse returns the event of a sample, or nil for a piece of a table that is not the
// last. It changes nothing in the sample.
func (p *parser) parse(sample []byte) (Event, error) {
	h, err := view[probesRecordHeader](sample, int(unsafe.Sizeof(probesRecordHeader{})))
	if err != nil {
		return nil, err
	}
	head := Head{Time: ktime.Time(h.Time), PID: int(h.Pid)}
	switch probesRecordKind(h.Kind) {
	case probesRecordKindRECORD_DATA:
		return &p.data, p.data.parse(head, sample)
	case probesRecordKindRECORD_SEGMENT:
		return &p.segment, p.segment.parse(head, sample)
	case probesRecordKindRECORD_OPEN:
		return &p.open, p.open.parse(head, sample)
	case probesRecordKindRECORD_CLOSE:
		return &p.close, p.close.parse(head, sample)
	case probesRecordKindRECORD_TABLE:
		return p.parseTable(head, sample)
	case probesRecordKindRECORD_PIECE:
		return p.parsePiece(sample)
	case probesRecordKindRECORD_BLOCK:
		return &p.block, p.block.parse(head, sample)
	case probesRecordKindRECORD_WINDOWS:
		return &p.windows, p.windows.parse(head, sample, p.layoutAt)
	case probesRecordKindRECORD_MESSAGE:
		return &p.message, p.message.parse(head, sample)
	case probesRecordKindRECORD_CONNECT:
		return &p.connect, p.connect.parse(head, sample)
	case probesRecordKindRECORD_FIELD:
		return &p.field, p.field.parse(head, sample)
	case probesRecordKindRECORD_LIST:
		return &p.list, p.list.parse(head, sample)
	case probesRecordKindRECORD_HANDSHAKE:
		return &p.handshake, p.handshake.parse(head, sample)
	case probesRecordKindRECORD_FAILURE:
		return &p.failed, p.failed.parse(head, sample)
	case probesRecordKindRECORD_SECRET:
		return &p.secret, p.secret.parse(head, p.copySecret(sample))
	case probesRecordKindRECORD_SPOT:
		return &p.spot, p.spot.parse(head, sample, p.tlsAt)
	case probesRecordKindRECORD_DNS:
		p.dns.Head = head
		return &p.dns, p.dns.parse(sample)
	case probesRecordKindRECORD_HELLO:
		p.hello.Head = head
		return &p.hello, p.hello.parse(sample)
	case probesRecordKindRECORD_QUIC:
		p.quic.Head = head
		return &p.quic, p.quic.parse(sample)
	case probesRecordKindRECORD_RELEASE:
		return &p.released, p.released.parse(head, sample)
	case probesRecordKindRECORD_SOCKET:
		return &p.socket, p.socket.parse(head, sample)
	case probesRecordKindRECORD_EXEC:
		return &p.exec, p.exec.parse(head, sample)
	case probesRecordKindRECORD_EXIT:
		return &p.exit, p.exit.parse(head, sample)
	case probesRecordKindRECORD_LOCK:
		return &p.lock, p.lock.parse(head, sample)
	}
	return nil, fmt.Errorf("record of unknown kind %d", h.Kind)
}

// copySecret returns a copy of the sample of a secret.
func (p *parser) copySecret(sample []byte) []byte {
	b := unsafe.Slice((*byte)(unsafe.Pointer(&p.secretRecord)), unsafe.Sizeof(p.secretRecord))
	return b[:copy(b, sample)]
}

// Message is one write of the go command to stderr: its beginning, with "…" if it is
// longer.
type Message struct {
	Head
	Text string
}

func (m *Message) parse(head Head, sample []byte) error {
	raw, err := view[probesMessageRecord](sample, int(unsafe.Sizeof(probesMessageRecord{})))
	if err != nil {
		return err
	}
	*m = Message{Head: head, Text: string(raw.Text[:min(int(raw.Len), len(raw.Text))])}
	if int(raw.Len) > len(raw.Text) {
		m.Text = strings.ToValidUTF8(m.Text, "") + "…"
	}
	return nil
}
