package exchange

import (
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// maxMessage bounds the bytes kept of a grpc-message.
const maxMessage = 1 << 10

// callOf takes the Content-Type of a request or response. A gRPC call has
// application/grpc, with the encoding of its messages after a "+". gRPC-Web has its
// trailers in the body.
func (o *open) callOf(contentType string) {
	rest, ok := strings.CutPrefix(contentType, "application/grpc")
	if ok && o.GRPC == nil && (rest == "" || rest[0] == '+' || rest[0] == ';') {
		o.GRPC = &GRPC{Status: -1}
	}
}

// trailers takes the result of a gRPC call from the trailers of its response, or from its
// head if there is nothing else.
func (o *open) trailers(fields []hpack.HeaderField) {
	if o.GRPC == nil {
		return
	}
	for i := range fields {
		switch f := &fields[i]; f.Name {
		case "grpc-status":
			if n, err := strconv.ParseUint(f.Value, 10, 31); err == nil {
				o.GRPC.Status = int(n)
			}
		case "grpc-message":
			o.GRPC.Message = message(f.Value)
		}
	}
}

// message decodes the percent-encoding of a grpc-message.
func message(s string) string {
	s = strings.Clone(s[:min(len(s), maxMessage)])
	if text, err := url.PathUnescape(s); err == nil {
		return text
	}
	return s
}
