package e2e

import (
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestFramesOnly observes the same requests as usual and with the plan for
// measurements: that plan reports the frames, and nothing that costs more.
func TestFramesOnly(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	srv := startServer(t, serverArgs(t, a), peerEnv(a))
	frames := make(map[string]int)
	for _, plan := range []string{"", "frames"} {
		r := startTracing(t, command{
			args: clientArgs(t, srv.addr, "-impl", "net", "-scenario", "get,post,headers"),
			env:  append(peerEnv(a), testPlan(plan)),
		}).good()
		for _, e := range r.stream.Of("frame") {
			if e.Type == "HEADERS" {
				frames[plan]++
			}
		}
		exchanges, conns := r.stream.Of("exchange"), r.stream.Conns()
		if len(conns) != 1 || conns[0].Open == nil || conns[0].Open.Protocol != "h2" {
			t.Fatalf("test plan %q: %d connections, want one of h2", plan, len(conns))
		}
		if plan == "" {
			if len(exchanges) == 0 {
				t.Error("no exchanges by default")
			}
			continue
		}
		if n := len(exchanges) + len(r.stream.Of("stall")); n > 0 || r.stream.Summary.Exchanges != nil {
			t.Errorf("%d exchanges and stalls, and the summary counts %v", n, r.stream.Summary.Exchanges)
		}
	}
	if frames["frames"] != frames[""] || frames[""] == 0 {
		t.Errorf("%d header frames, and %d as always", frames["frames"], frames[""])
	}
	srv.stop()
}
