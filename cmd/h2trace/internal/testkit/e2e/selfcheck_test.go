package e2e

import (
	"path/filepath"
	"strconv"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// TestVerify has h2trace compare what it decodes with what the process itself encodes
// and decodes. In all scenarios there is no difference, and no unchecked block.
func TestVerify(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	flags := []string{"--verify"}
	all := "get,post,trailers,headers,streams,reset,abort,early"
	for _, impl := range []string{"net", "x"} {
		t.Run("client/"+impl, func(t *testing.T) {
			srv := startServer(t, serverArgs(t, a, "-impl", "x"), peerEnv(a))
			r := startTracing(t, command{
				flags: flags, args: clientArgs(t, srv.addr, "-impl", impl, "-scenario", all), env: debugEnv(peerEnv(a)),
			}).wait()
			checkVerified(t, r, verify(t, r, oracle.Options{Tail: true}))
		})
		t.Run("server/"+impl, func(t *testing.T) {
			tr := startTracing(t, command{flags: flags, args: serverArgs(t, a, "-impl", impl), env: debugEnv(peerEnv(a))})
			run(t, clientArgs(t, tr.line(), "-impl", "x", "-scenario", all), peerEnv(a))
			r := tr.wait()
			checkVerified(t, r, verify(t, r, oracle.Options{Tail: true}))
		})
	}
}

// TestVerifyPush verifies the headers of pushed requests, which no Go client accepts.
func TestVerifyPush(t *testing.T) {
	needProbes(t)
	needPrograms(t, "nghttp")
	a := modproxy.NewAuthority(t)
	for _, impl := range []string{"net", "x"} {
		t.Run(impl, func(t *testing.T) {
			tr := startTracing(t, command{flags: []string{"--verify"}, args: serverArgs(t, a, "-impl", impl), env: debugEnv(peerEnv(a))})
			run(t, []string{"nghttp", "-n", "--no-verify-peer", "https://" + tr.line() + "/push"}, nil)
			r := tr.wait()
			pairs := verify(t, r, oracle.Options{Tail: true})
			checkVerified(t, r, pairs)
			promises := 0
			for _, f := range pairs[0].Log.Dir(wire.Send) {
				if f.Type == wire.PushPromise {
					promises++
				}
			}
			if promises != 1 {
				t.Errorf("the server promised %d streams, want 1", promises)
			}
		})
	}
}

// TestVerifyLoss loses records while headers are verified: blocks remain unchecked,
// but none is compared with another's.
func TestVerifyLoss(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	srv := startServer(t, serverArgs(t, a, "-impl", "x"), peerEnv(a))
	for _, storm := range storms {
		t.Run(storm.name, func(t *testing.T) {
			tr := startTracing(t, command{
				flags: []string{"-q", "--verify", "--buffer", "64KiB"},
				args:  clientArgs(t, srv.addr, "-impl", "net", "-repeat", "-scenario", storm.scenario), env: debugEnv(peerEnv(a)),
			})
			lose(t, tr)
			// The first of them may be lost, too, on a busy machine.
			await(t, "header lists after the loss", func() bool { return healed(tr.events) })
			known := lines(tr.events, `"headers":[`)
			await(t, "more of them", func() bool { return lines(tr.events, `"headers":[`) > known+100 })
			r := tr.wait()
			checkPartlyVerified(t, r.stream)
			if r.stream.Summary.Verify.Unchecked == 0 {
				t.Errorf("all blocks were compared, in spite of the loss: %s", r.stream.Summary.Raw)
			}
		})
	}
}

// TestVerifyJoin verifies the headers of a connection that was open before.
func TestVerifyJoin(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	for _, side := range []string{"client", "server"} {
		t.Run(side, func(t *testing.T) {
			logFile := filepath.Join(t.TempDir(), "debug.log")
			pid, end := startPair(t, a, side, "net", "headers,trailers,post,get,abort", logFile)
			await(t, "requests before the attach", func() bool { return lines(logFile, ":path") > 50 })
			tr := startTracing(t, command{flags: []string{"--verify", "-p", strconv.Itoa(pid)}})
			await(t, "header lists after the attach", func() bool { return lines(tr.events, `"headers":[`) > 100 })
			r := tr.interrupt()
			end()
			checkPartlyVerified(t, r.stream)
		})
	}
}

// checkPartlyVerified requires that blocks were compared, and are equal.
func checkPartlyVerified(t *testing.T, s *contract.Stream) {
	t.Helper()
	v := s.Summary.Verify
	if list := s.Of("verify"); len(list) > 0 || v.Mismatches > 0 || v.Blocks == 0 {
		t.Errorf("%d differences, %+v:%s", len(list), *v, rawOf(list))
	}
}

// checkVerified requires that each block in the process's log was compared, and is
// equal. Its log and the trace may end at different frames.
func checkVerified(t *testing.T, r *result, pairs []*oracle.Pair) {
	t.Helper()
	v := r.stream.Summary.Verify
	if v == nil {
		t.Fatalf("no totals: %s", r.stream.Summary.Raw)
	}
	if list := r.stream.Of("verify"); len(list) > 0 || v.Mismatches > 0 || v.Unchecked > 0 {
		t.Errorf("%d differences, %+v:%s", len(list), *v, rawOf(list))
	}
	logged, tail, traced, fields := 0, 0, 0, 0
	for _, p := range pairs {
		tail += p.Tail[0] + p.Tail[1]
		for _, f := range p.Log.Frames {
			if f.Type == wire.Headers || f.Type == wire.PushPromise {
				logged++
			}
		}
		for _, e := range p.Trace.Frames {
			if e.Headers != nil {
				traced++
				fields += len(e.Headers)
			}
		}
	}
	if v.Blocks != traced || v.Fields != fields || v.Blocks < logged-tail || v.Blocks > logged+tail || v.Blocks == 0 {
		t.Errorf("%d blocks with %d fields were compared; the trace has %d with %d, the log %d (up to %d frames at the end apart)",
			v.Blocks, v.Fields, traced, fields, logged, tail)
	}
}
