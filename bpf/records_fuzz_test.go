//go:build linux

package bpf

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"unsafe"

	"h2trace/bpf/layout"
	"h2trace/bpf/plan"
)

// nobody is the id of no process: a secret may have its label read from one.
const nobody = 1 << 30

// recordSizes are the sizes of the fixed parts of the records, by kind.
var recordSizes = map[probesRecordKind]int{
	probesRecordKindRECORD_DATA:      dataHeaderSize + 8,
	probesRecordKindRECORD_SEGMENT:   segmentHeaderSize + 8,
	probesRecordKindRECORD_OPEN:      int(unsafe.Sizeof(probesOpenRecord{})),
	probesRecordKindRECORD_CLOSE:     int(unsafe.Sizeof(probesCloseRecord{})),
	probesRecordKindRECORD_TABLE:     int(unsafe.Sizeof(probesTableRecord{})),
	probesRecordKindRECORD_PIECE:     int(unsafe.Sizeof(probesPieceRecord{})),
	probesRecordKindRECORD_BLOCK:     int(unsafe.Sizeof(probesBlockRecord{})),
	probesRecordKindRECORD_WINDOWS:   int(unsafe.Sizeof(probesWindowsRecord{})),
	probesRecordKindRECORD_MESSAGE:   int(unsafe.Sizeof(probesMessageRecord{})),
	probesRecordKindRECORD_CONNECT:   int(unsafe.Sizeof(probesConnectRecord{})),
	probesRecordKindRECORD_FIELD:     fieldHeaderSize + 8,
	probesRecordKindRECORD_LIST:      int(unsafe.Sizeof(probesListRecord{})),
	probesRecordKindRECORD_HANDSHAKE: int(unsafe.Sizeof(probesHandshakeRecord{})),
	probesRecordKindRECORD_FAILURE:   int(unsafe.Sizeof(probesFailureRecord{})),
	probesRecordKindRECORD_SECRET:    int(unsafe.Sizeof(probesSecretRecord{})),
	probesRecordKindRECORD_SPOT:      int(unsafe.Sizeof(probesSpotRecord{})),
	probesRecordKindRECORD_RELEASE:   int(unsafe.Sizeof(probesReleaseRecord{})),
	probesRecordKindRECORD_EXEC:      int(unsafe.Sizeof(probesExecRecord{})),
	probesRecordKindRECORD_EXIT:      int(unsafe.Sizeof(probesExitRecord{})),
	probesRecordKindRECORD_LOCK:      int(unsafe.Sizeof(probesLockRecord{})),
	probesRecordKindRECORD_DNS:       512,
	probesRecordKindRECORD_HELLO:     512,
	probesRecordKindRECORD_QUIC:      512,
	probesRecordKindRECORD_SOCKET:    128,
}

// room is that of the largest record in the ring, and more: what follows is another record.
const room = 40 << 10

// inRing returns a sample as the ring has it: aligned, and with other bytes after it.
func inRing(sample []byte, after byte) []byte {
	words := make([]uint64, room/8)
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), room)
	for i := copy(b, sample); i < len(b); i++ {
		b[i] = after
	}
	return b[:len(sample):len(sample)]
}

func newParser() *parser {
	tls := layout.ReleasedTLS("go1.26.8")
	return &parser{
		layoutAt: func(index uint32) connLayout {
			switch index % 3 {
			case 1:
				return layoutOf(plan.Site{Layout: layout.Released("go1.26.8")})
			case 2:
				return layoutOf(plan.Site{Server: layout.ReleasedServer("go1.26.8")})
			}
			return nil
		},
		tlsAt: func(number uint32) *layout.TLS {
			if number == 0 {
				return nil
			}
			return tls
		},
	}
}

// parsed is an event as text, apart from where it is.
func parsed(p *parser, sample []byte) string {
	e, err := p.parse(sample)
	if err != nil {
		return "error: " + err.Error()
	}
	if e == nil {
		return "none"
	}
	return fmt.Sprintf("%T %s", e, deep(reflect.ValueOf(e)))
}

// deep formats what pointers lead to, with all that is not exported.
func deep(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		return deep(v.Elem())
	case reflect.Struct:
		var b bytes.Buffer
		for i := range v.NumField() {
			fmt.Fprintf(&b, "%s:%s ", v.Type().Field(i).Name, deep(v.Field(i)))
		}
		return b.String()
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && (v.Kind() == reflect.Slice || v.CanAddr()) {
			return fmt.Sprintf("%x", v.Bytes())
		}
		var b bytes.Buffer
		for i := range v.Len() {
			fmt.Fprintf(&b, "%s,", deep(v.Index(i)))
		}
		return b.String()
	default:
		return fmt.Sprint(v)
	}
}

// FuzzRecords parses samples of the ring, two of them, each followed by other bytes. An event
// depends on nothing but its sample, and for a large table on the pieces before.
func FuzzRecords(f *testing.F) {
	for kind, size := range recordSizes {
		for _, fill := range []byte{0, 1, 4, 0xff} {
			f.Add(uint8(kind), bytes.Repeat([]byte{fill}, size), uint8(probesRecordKindRECORD_DATA), []byte{1, 0, 0, 0, 0, 0, 0, 0})
		}
	}
	table := sampleOf(&probesTableRecord{Large: 7, Count: 1, Size: 34, MaxSize: 4096}, uint8(probesRecordKindRECORD_TABLE))
	piece := &probesPieceRecord{Large: 7, Count: 1, Len: 2}
	piece.Lens[0], piece.Lens[1] = 1, 1
	f.Add(uint8(probesRecordKindRECORD_TABLE), table, uint8(probesRecordKindRECORD_PIECE), sampleOf(piece, 0))
	f.Fuzz(func(t *testing.T, kind uint8, one []byte, next uint8, two []byte) {
		parsers := [2]*parser{newParser(), newParser()}
		for i, sample := range [][]byte{one, two} {
			sample = bytes.Clone(sample[:min(len(sample), room-8)])
			if size := int(unsafe.Sizeof(probesRecordHeader{})); len(sample) >= size {
				h := (*probesRecordHeader)(unsafe.Pointer(unsafe.SliceData(inRing(sample[:size], 0))))
				h.Kind, h.Pid = []uint8{kind, next}[i], nobody
				copy(sample, unsafe.Slice((*byte)(unsafe.Pointer(h)), size))
			}
			a, b := inRing(sample, 0), inRing(sample, 0xff)
			got, other := parsed(parsers[0], a), parsed(parsers[1], b)
			if got != other {
				t.Fatalf("record %d of kind %d depends on what follows:\n%s\n%s", i, kind, got, other)
			}
			if !bytes.Equal(a, sample) {
				t.Fatalf("record %d of kind %d is changed", i, kind)
			}
			if k := []uint8{kind, next}[i]; k == uint8(probesRecordKindRECORD_TABLE) || k == uint8(probesRecordKindRECORD_PIECE) {
				continue
			}
			if alone := parsed(newParser(), a); alone != got {
				t.Fatalf("record %d of kind %d depends on the one before:\n%s\n%s", i, kind, got, alone)
			}
		}
		if n := len(parsers[0].large.pending); n > maxLargeTables {
			t.Errorf("%d tables wait for pieces", n)
		}
	})
}
