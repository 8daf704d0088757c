//go:build linux

package trace

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"h2trace/bpf"
)

// TestManyClosed has a process end with many connections, each with unanswered requests.
// Eight times as many connections cost not much more than eight times as much.
func TestManyClosed(t *testing.T) {
	const n, requests = 150, 100
	few, many := closeMany(t, n, requests), closeMany(t, 8*n, requests)
	ratio := float64(many) / float64(few)
	t.Logf("%v, %v for 8 times as many: %.1f times", few, many, ratio)
	if ratio > 24 {
		t.Errorf("eight times as many connections cost %.0f times as much", ratio)
	}
}

// closeMany returns the CPU time to end connections, the minimum of two runs.
func closeMany(t *testing.T, conns, requests int) time.Duration {
	var asked strings.Builder
	for i := range requests {
		fmt.Fprintf(&asked, "GET /%d HTTP/1.1\r\nHost: goproxy.example\r\n\r\n", i)
	}
	least := time.Duration(1 << 62)
	for range 2 {
		table := newUncheckedTable(t, io.Discard)
		for id := uint64(1); id <= uint64(conns); id++ {
			table.open(&bpf.Open{Head: bpf.Head{Conn: id, PID: 9, Time: 1}, Role: bpf.RoleClient, Wire: bpf.WireHTTP, Handshake: true})
			table.segment(&bpf.Segment{Head: bpf.Head{Conn: id, PID: 9, Time: 1}, Dir: bpf.Send, Payload: []byte(asked.String())})
		}
		before := cpuTime(t)
		do(t, table.endProcess(9, 100, nil))
		do(t, table.expire(1<<40, false))
		least = min(least, cpuTime(t)-before)
		if table.exchanges.count != uint64(conns*requests) {
			t.Fatalf("%d exchanges, want %d", table.exchanges.count, conns*requests)
		}
	}
	return least
}

// cpuTime returns the CPU time of this process.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	usage, err := AgentUsage()
	do(t, err)
	return usage.CPU
}
