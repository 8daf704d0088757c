//go:build linux

package flow_test

import (
	"strings"
	"testing"

	"h2trace/decoder/capture"
	"h2trace/decoder/flow"
	"h2trace/decoder/internal/cost"
)

// floods are packets that anybody may send, as many as are asked for.
var floods = map[string]func(i int) *capture.Packet{
	"connections": func(i int) *capture.Packet {
		return segment(i, true, uint16(i), uint32(i), 0, capture.SYN, "")
	},
	"the same connection again": func(i int) *capture.Packet {
		return segment(i, true, 50_000, uint32(i)*7, 0, capture.SYN, "GET / HTTP/1.1\r\n\r\n")
	},
	"segments after a hole": func(i int) *capture.Packet {
		return segment(i, true, 50_000, uint32(10+2*i), 1, capture.ACK, "x")
	},
	"segments after a hole, downwards": func(i int) *capture.Packet {
		return segment(i, true, 50_000, 1<<29-uint32(2*i), 1, capture.ACK, "x")
	},
	"each direction acknowledges what the other has not sent": func(i int) *capture.Packet {
		return segment(i, i%2 == 0, 50_000, uint32(i/2*8), uint32(1000+i*8), capture.ACK, "GET / HT")
	},
	"one direction alone": func(i int) *capture.Packet {
		return segment(i, false, 50_000, uint32(i*100), uint32(i*100), capture.ACK, strings.Repeat("x", 100))
	},
	"a request at a time": func(i int) *capture.Packet {
		const request = "GET / HTTP/1.1\r\n\r\n"
		return segment(i, true, 50_000, uint32(i*len(request)), 1, capture.ACK, request)
	},
}

// TestCost demands that each packet costs the same, however many came before it.
func TestCost(t *testing.T) {
	prepare := make(map[string]func(n int) func())
	for name, packet := range floods {
		prepare[name] = func(n int) func() {
			list := make([]*capture.Packet, n)
			for i := range list {
				list[i] = packet(i)
			}
			table := flow.New(flow.Config{MaxConns: 1000})
			table.Packet(segment(0, true, 50_000, 1<<32-1, 0, capture.SYN, ""))
			return func() {
				for _, p := range list {
					table.Packet(p)
				}
				table.Close()
			}
		}
	}
	cost.Linear(t, 4000, prepare)
}
