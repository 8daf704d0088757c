package otlp

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// answer is what a collector says to a batch that it took, at least in part.
type answer struct {
	rejected int64 // spans or data points that it did not take
	text     string
}

var errNoAnswer = errors.New("no answer of a collector")

// parseAnswer reads an ExportTraceServiceResponse or ExportMetricsServiceResponse. Both have the
// same form: a partial_success (1) of a number (1) and a text (2). An empty one takes all.
func parseAnswer(b []byte) (answer, error) {
	var a answer
	err := fields(b, func(n protowire.Number, v []byte, _ uint64) error {
		if n != 1 {
			return nil
		}
		if v == nil {
			return errNoAnswer
		}
		return fields(v, func(n protowire.Number, v []byte, i uint64) error {
			switch n {
			case 1:
				a.rejected = int64(i)
			case 2:
				a.text = string(v)
			}
			return nil
		})
	})
	return a, err
}

// fields calls f with the fields of a message: with bytes, or with a number.
func fields(b []byte, f func(n protowire.Number, v []byte, i uint64) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errNoAnswer
		}
		b = b[n:]
		var v []byte
		var i uint64
		switch kind {
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			i, n = protowire.ConsumeVarint(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return errNoAnswer
		}
		if err := f(number, v, i); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
