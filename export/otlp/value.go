package otlp

import (
	"net"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"h2trace/export/scan"
)

// integer returns a number, 0 for null.
func integer(v []byte) int {
	n, _ := scan.Integer(v)
	return int(n)
}

// attributes are those of a span.
type attributes []attribute.KeyValue

// text adds a text, if there is one.
func (a *attributes) text(key attribute.Key, value string) {
	if value != "" {
		*a = append(*a, key.String(value))
	}
}

// number adds an integer, if there is one.
func (a *attributes) number(key attribute.Key, v []byte) {
	if n, ok := scan.Integer(v); ok {
		*a = append(*a, key.Int64(n))
	}
}

// millis adds a duration in milliseconds, if it is known.
func (a *attributes) millis(key attribute.Key, v []byte) {
	if d, ok := scan.Millis(v); ok {
		*a = append(*a, key.Float64(float64(d)/float64(time.Millisecond)))
	}
}

// address adds the parts of "ip:port", if it is known.
func (a *attributes) address(host, port attribute.Key, value string) {
	h, p, err := net.SplitHostPort(value)
	if err != nil {
		return
	}
	*a = append(*a, host.String(h))
	if n, err := strconv.Atoi(p); err == nil {
		*a = append(*a, port.Int(n))
	}
}
