package otlp

import (
	"net"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"google.golang.org/protobuf/encoding/protowire"

	"h2trace/export/scan"
)

// integer returns a number, 0 for null.
func integer(v []byte) int {
	n, _ := scan.Integer(v)
	return int(n)
}

// attributes appends the attributes of a message, such as a span (opentelemetry/proto/common/v1).
type attributes struct {
	to            *message
	field         protowire.Number // in which the message has them
	count, length int              // limits, of their number and of texts; below 0 is none
	dropped       uint64           // beyond that number
}

// unlimited returns attributes without limits.
func unlimited(to *message, field protowire.Number) attributes {
	return attributes{to: to, field: field, count: -1, length: -1}
}

// The fields of KeyValue and AnyValue.
const (
	keyField   = 1
	valueField = 2

	stringValue = 1
	boolValue   = 2
	intValue    = 3
	doubleValue = 4
)

// begin begins an attribute up to its value, unless there are too many.
func (a *attributes) begin(key attribute.Key) (kv, value int, ok bool) {
	if a.count == 0 {
		a.dropped++
		return 0, 0, false
	}
	a.count--
	kv = a.to.begin(a.field)
	a.to.text(keyField, string(key))
	return kv, a.to.begin(valueField), true
}

func (a *attributes) end(kv, value int) {
	a.to.end(value)
	a.to.end(kv)
}

// text adds a text, if there is one.
func (a *attributes) text(key attribute.Key, value string) {
	if value != "" {
		a.textOrEmpty(key, value)
	}
}

func (a *attributes) textOrEmpty(key attribute.Key, value string) {
	if kv, v, ok := a.begin(key); ok {
		a.to.text(stringValue, shortened(value, a.length))
		a.end(kv, v)
	}
}

// shortened returns the first characters of a text, all of them if the limit is below 0.
func shortened(text string, limit int) string {
	if limit < 0 || len(text) <= limit {
		return text
	}
	for i := range text {
		if limit--; limit < 0 {
			return text[:i]
		}
	}
	return text
}

func (a *attributes) integer(key attribute.Key, n int64) {
	if kv, v, ok := a.begin(key); ok {
		a.to.varint(intValue, uint64(n))
		a.end(kv, v)
	}
}

func (a *attributes) double(key attribute.Key, n float64) {
	if kv, v, ok := a.begin(key); ok {
		a.to.double(doubleValue, n)
		a.end(kv, v)
	}
}

func (a *attributes) bool(key attribute.Key, is bool) {
	if kv, v, ok := a.begin(key); ok {
		a.to.varint(boolValue, protowire.EncodeBool(is))
		a.end(kv, v)
	}
}

// number adds an integer, if there is one.
func (a *attributes) number(key attribute.Key, v []byte) {
	if n, ok := scan.Integer(v); ok {
		a.integer(key, n)
	}
}

// millis adds a duration in milliseconds, if it is known.
func (a *attributes) millis(key attribute.Key, v []byte) {
	if d, ok := scan.Millis(v); ok {
		a.double(key, float64(d)/float64(time.Millisecond))
	}
}

// address adds the parts of "ip:port", if it is known.
func (a *attributes) address(host, port attribute.Key, value string) {
	h, p, err := net.SplitHostPort(value)
	if err != nil {
		return
	}
	a.textOrEmpty(host, h)
	if n, err := strconv.Atoi(p); err == nil {
		a.integer(port, int64(n))
	}
}

// set adds those of the SDK. They are texts and numbers.
func (a *attributes) set(list []attribute.KeyValue) {
	for _, kv := range list {
		if kv.Value.Type() == attribute.INT64 {
			a.integer(kv.Key, kv.Value.AsInt64())
		} else {
			a.textOrEmpty(kv.Key, kv.Value.String())
		}
	}
}
