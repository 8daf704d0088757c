//go:build linux

package bpf

import (
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"

	"h2trace/bpf/plan"
	"h2trace/decoder/ktime"
)

// Versions of TLS (RFC 8446 §4.2.1).
const (
	oldestTLS = 0x0301
	newestTLS = 0x0304
)

func (h *Handshake) parse(head Head, sample []byte) error {
	raw, err := view[probesHandshakeRecord](sample, int(unsafe.Sizeof(probesHandshakeRecord{})))
	if err != nil {
		return err
	}
	head.Conn = raw.Conn
	*h = Handshake{Head: head, Start: ktime.Time(raw.Start)}
	// Memory is believed only if all of it makes sense.
	if raw.Version >= oldestTLS && raw.Version <= newestTLS && raw.Cipher != 0 && raw.Resumed <= 1 &&
		int(raw.AlpnLen) <= len(raw.Alpn) && int(raw.SniLen) <= len(raw.Sni) {
		h.Version, h.Cipher, h.Resumed = raw.Version, raw.Cipher, raw.Resumed == 1
		h.ALPN, h.SNI = string(raw.Alpn[:raw.AlpnLen]), string(raw.Sni[:raw.SniLen])
	}
	if raw.Error.Failed != 0 {
		h.Error = errorOf(&raw.Error)
	}
	return nil
}

func (f *HandshakeFailed) parse(head Head, sample []byte) error {
	raw, err := view[probesFailureRecord](sample, int(unsafe.Sizeof(probesFailureRecord{})))
	if err != nil {
		return err
	}
	*f = HandshakeFailed{
		Head:  head,
		Conns: [2]uint64{tlsConn | raw.Socket, cleartextConn | raw.Socket},
		Error: errorOf(&raw.Error),
	}
	return nil
}

func errorOf(e *probesGoError) *HandshakeError {
	failure := &HandshakeError{Data: e.Data, Text: text(e.Text[:])}
	for _, kind := range e.Kind {
		if kind != 0 {
			failure.Kinds = append(failure.Kinds, plan.ErrorKind(kind))
		}
	}
	return failure
}

// maxErrorTables bounds the number of different hash sets for the types of errors.
// Executables have one for each Go release, or fewer.
const maxErrorTables = 255

// errorTable numbers the sets of error types that the programs know.
type errorTable struct {
	list    [][]plan.ErrorType
	entries *ebpf.Map // by number and hash
}

// enter describes the types of errors to the programs. It returns the number of the
// set for a site, 0 when there is no room.
func (e *errorTable) enter(types []plan.ErrorType) uint8 {
	if i := slices.IndexFunc(e.list, func(t []plan.ErrorType) bool { return slices.Equal(t, types) }); i >= 0 {
		return uint8(i + 1)
	}
	if len(types) == 0 || len(e.list) == maxErrorTables {
		return 0
	}
	table := uint64(len(e.list) + 1)
	for _, t := range types {
		v := probesErrorType{Kind: uint8(t.Kind), At: t.At}
		if t.Text {
			v.Text = 1
		}
		if t.Wraps {
			v.Wraps = 1
		}
		if e.entries.Put(table<<32|uint64(t.Hash), v) != nil {
			return 0
		}
	}
	e.list = append(e.list, types)
	return uint8(table)
}
