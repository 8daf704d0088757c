//go:build linux

package exchange

import (
	"strings"
	"testing"
	"time"

	"h2trace/decoder"
	"h2trace/decoder/internal/cost"
)

// FuzzCost has both sides repeat what they say. A byte costs the same, however many came before:
// eight times as many bytes cost some eight times as much CPU time, and not sixty-four.
func FuzzCost(f *testing.F) {
	f.Add("", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", "HTTP/1.1 204 No Content\r\n\r\n")
	f.Add("", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "", "HTTP/1.1 100 Continue\r\n\r\n")
	f.Add("GET / HTTP/1.1\r\n", "a: b\r\n", "HTTP/1.1 200 OK\r\n", "\r")
	f.Add(fuzzUpgrade, "x", fuzzSwitch, "\x00\x00\x00")
	f.Add(fuzzPreface, "\x00\x00\x01\x01\x05\x00\x00\x00\x01\x82", fuzzAnswer, "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\xff\xff")
	f.Add(fuzzPreface, "\x00\x00\x00\x09\x00\x00\x00\x00\x01", fuzzAnswer[:9], "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x01")
	f.Add(fuzzPreface+"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82", "\x00\x00\x03\x09\x00\x00\x00\x00\x01\x40\x00\x00", fuzzAnswer, "\x00\x00\x00\x00\x00\x00\x00\x00\x01")
	f.Fuzz(func(t *testing.T, clientFirst, client, serverFirst, server string) {
		const few, many = 8 << 10, 64 << 10
		of := func(n int) time.Duration {
			said := [2]string{repeated(clientFirst, client, n), repeated(serverFirst, server, n)}
			return cost.Of(t, func() func() {
				c := NewConn(ConnConfig{Scheme: "http", Decoder: decoder.Config{Role: decoder.Client, FromStart: true}}, Hooks{})
				return func() {
					for at := 0; at < n; at += 512 {
						for d, b := range said {
							c.Data(1, decoder.Direction(d), []byte(b[min(at, len(b)):min(at+512, len(b))]))
						}
					}
					c.Close(2, EndedByPeer)
				}
			})
		}
		small, large := of(few), of(many)
		// What is least is a time in which the scheduler and the kernel do more than the decoder.
		if least := 500 * time.Microsecond; large > 40*max(small, least) {
			t.Errorf("%d bytes of each side cost %v, %d cost %v", few, small, many, large)
		}
	})
}

// repeated returns n bytes, which end in repetitions; less if there is nothing to repeat.
func repeated(first, again string, n int) string {
	first = first[:min(len(first), n/2)]
	if again == "" {
		return first
	}
	return (first + strings.Repeat(again, n/len(again)+1))[:n]
}
