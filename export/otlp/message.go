package otlp

import (
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a protobuf message, to which fields are appended. Fields that have the default value
// of their type are left out by whoever appends them.
type message []byte

// begin begins a message in a field. It returns what end needs.
func (m *message) begin(field protowire.Number) (start int) {
	*m = append(protowire.AppendTag(*m, field, protowire.BytesType), 0)
	return len(*m)
}

// end ends a message: it writes its length, for which begin left one byte.
func (m *message) end(start int) {
	n := len(*m) - start
	if more := protowire.SizeVarint(uint64(n)) - 1; more > 0 {
		var room [binary.MaxVarintLen64]byte
		*m = append(*m, room[:more]...)
		copy((*m)[start+more:], (*m)[start:start+n])
	}
	binary.PutUvarint((*m)[start-1:], uint64(n))
}

// text appends a string. Those of protobuf are UTF-8: a collector refuses a whole batch for one
// that is not (Protocol Buffers, Proto3 Scalar Value Types). So U+FFFD stands for what is none.
func (m *message) text(field protowire.Number, v string) {
	if !utf8.ValidString(v) {
		v = strings.ToValidUTF8(v, "\ufffd")
	}
	*m = protowire.AppendString(protowire.AppendTag(*m, field, protowire.BytesType), v)
}

func (m *message) bytes(field protowire.Number, v []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), v)
}

func (m *message) varint(field protowire.Number, v uint64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), v)
}

func (m *message) fixed32(field protowire.Number, v uint32) {
	*m = protowire.AppendFixed32(protowire.AppendTag(*m, field, protowire.Fixed32Type), v)
}

func (m *message) fixed64(field protowire.Number, v uint64) {
	*m = protowire.AppendFixed64(protowire.AppendTag(*m, field, protowire.Fixed64Type), v)
}

func (m *message) double(field protowire.Number, v float64) { m.fixed64(field, math.Float64bits(v)) }
