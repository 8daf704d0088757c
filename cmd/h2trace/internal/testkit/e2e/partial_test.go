package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/http2debug"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// storms are loads that repeat until they are stopped, on one connection.
var storms = []struct{ name, scenario string }{
	{"tiny requests", "tiny"},
	{"all kinds of frames", "headers,trailers,post,get,abort"},
	{"many streams", "streams"},
}

// smallBuffer is the smallest buffer that holds what a socket receives at once.
const smallBuffer = "512KiB"

// TestLoss stops h2trace while a small buffer fills, then continues it: each
// loss is counted and announced, later frames are decoded again, and no printed value
// is wrong.
func TestLoss(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	srv := startServer(t, serverArgs(t, a, "-impl", "x"), peerEnv(a))
	for _, storm := range storms {
		t.Run(storm.name, func(t *testing.T) {
			tr := startTracing(t, command{
				flags: []string{"--buffer", smallBuffer},
				args:  clientArgs(t, srv.addr, "-impl", "x", "-repeat", "-scenario", storm.scenario), env: debugEnv(peerEnv(a)),
			})
			lose(t, tr)
			await(t, "header lists after the loss", func() bool { return healed(tr.events) })
			await(t, "windows after the loss", func() bool { return windowsAtEnd(tr.events) })
			r := tr.wait()
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
			}
			if err := checkSummary(r.stream); err != nil {
				t.Fatal(err)
			}
			checkLossLines(t, r.stream)
			for _, e := range r.stream.Of("frame") {
				if e.Violation != "" {
					t.Errorf("a fault that is none: %s", e.Raw)
				}
			}
			for _, e := range r.stream.Of("exchange") {
				if !strings.Contains(storm.scenario, "abort") && !strings.Contains(e.Raw, `"error":null`) {
					t.Errorf("a failure that is none: %s", e.Raw)
				}
			}
			c := r.stream.Conns()[0]
			p := &oracle.Partial{Trace: c, Log: r.log.Conns[0], Headers: http2debug.Attribute(r.log.Events, r.log.Conns[0])}
			lost := 0
			for _, m := range checkPartial(t, p) {
				lost += m.Within
			}
			if lost == 0 {
				t.Error("no frame is missing")
			}
		})
	}
}

// lose makes tr lose records, and waits until it is in step again.
func lose(t *testing.T, tr *tracing) {
	t.Helper()
	await(t, "the first frames", func() bool { return lines(tr.events, `"event":"frame"`) > 100 })
	if err := tr.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	before := size(tr.log)
	await(t, "more traffic than the buffer holds", func() bool { return size(tr.log) > before+2<<20 })
	if err := tr.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	await(t, "a loss line", func() bool { return lines(tr.events, `"event":"loss"`) > 0 })
	known := lines(tr.events, `"event":"frame"`)
	await(t, "frames after the loss", func() bool { return lines(tr.events, `"event":"frame"`) > known+200 })
}

// healed reports whether the last blocks of both directions are known, as they are
// again when their tables came from the memory of the process.
func healed(file string) bool {
	known := map[string]int{}
	for line := range bytes.Lines(lastLines(file)) {
		for _, dir := range []string{"send", "recv"} {
			switch {
			case !bytes.Contains(line, []byte(`"dir":"`+dir+`"`)):
			case bytes.Contains(line, []byte(`"headers":[`)):
				known[dir]++
			case bytes.Contains(line, []byte(`"headers_error"`)):
				known[dir] = 0
			}
		}
	}
	return known["send"] > 5 && known["recv"] > 5
}

// windowsAtEnd reports whether the last frames have windows of the connection.
func windowsAtEnd(file string) bool {
	known := 0
	for line := range bytes.Lines(lastLines(file)) {
		switch {
		case !bytes.Contains(line, []byte(`"event":"frame"`)):
		case bytes.Contains(line, []byte(unknownWindow)):
			known = 0
		default:
			known++
		}
	}
	return known > 20
}

// checkLossLines requires that the loss lines add up to the summary, and that the
// connection that lost records has one of its own.
func checkLossLines(t *testing.T, s *contract.Stream) {
	t.Helper()
	balance, err := s.Summary.Balance()
	if err != nil {
		t.Fatal(err)
	}
	if balance.Lost == 0 {
		t.Error("nothing lost with a buffer that was too small")
	}
	var announced int64
	ofConn := 0
	for _, e := range s.Of("loss") {
		var n int64
		if err := json.Unmarshal(e.Records, &n); err != nil {
			t.Fatal(err)
		}
		announced += n
		if e.Conn != "" {
			ofConn++
		}
	}
	if announced != balance.Lost {
		t.Errorf("loss lines announce %d records, summary has %d", announced, balance.Lost)
	}
	if ofConn == 0 {
		t.Error("no loss line names the connection")
	}
}

// TestAttach joins a server whose client is at work, by its PID, and then observes a
// later connection.
func TestAttach(t *testing.T) {
	needProbes(t)
	for _, impl := range []string{"net", "x"} {
		for _, storm := range storms {
			t.Run(impl+"/"+storm.name, func(t *testing.T) { attach(t, impl, storm.scenario) })
		}
	}
}

func attach(t *testing.T, impl, scenario string) {
	a := modproxy.NewAuthority(t)
	logFile := filepath.Join(t.TempDir(), "server.log")
	srv := startLoggingServer(t, serverArgs(t, a, "-impl", impl), debugEnv(peerEnv(a)), logFile)
	endStorm := startStorm(t, clientArgs(t, srv.addr, "-impl", "x", "-repeat", "-scenario", scenario), peerEnv(a))
	await(t, "requests before the attach", func() bool { return lines(logFile, "read HEADERS") > 50 })

	// A busy machine leaves h2trace waiting while the storm goes on.
	tr := startTracing(t, command{flags: []string{"--buffer", "128MiB", "-p", strconv.Itoa(srv.pid)}})
	await(t, "frames after the attach", func() bool { return lines(tr.events, `"event":"frame"`) > 500 })
	endStorm()
	await(t, "the first connection to close", func() bool { return lines(tr.events, `"action":"close"`) > 0 })
	run(t, clientArgs(t, srv.addr, "-impl", "x", "-scenario", "get,post,trailers,headers"), peerEnv(a))
	await(t, "the second connection to close", func() bool { return lines(tr.events, `"action":"close"`) > 1 })
	r := tr.interrupt()
	srv.stop()

	if err := checkSummary(r.stream); err != nil {
		t.Fatal(err)
	}
	log := readLog(t, logFile)
	conns := r.stream.Conns()
	if len(conns) != 2 || len(log.Conns) != 2 {
		t.Fatalf("%d connections in the trace, %d in the log, want 2", len(conns), len(log.Conns))
	}
	if got := conns[0].Open.Joined; got != "mid" {
		t.Errorf("joined %q, want mid", got)
	}
	if got := conns[0].Open.Role; got != "server" && got != "" {
		t.Errorf("role %q", got)
	}
	checkContinuous(t, conns[0], log)
	checkWhole(t, conns[1], log)
}

// startStorm starts an h2client that works until it is stopped.
func startStorm(t *testing.T, args, env []string) (end func()) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Stderr = env, &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end = func() {
		if ended {
			return
		}
		ended = true
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("h2client: %v\n%s", err, indent(stderr.String()))
		}
	}
	t.Cleanup(end)
	return end
}

// checkContinuous requires that the joined connection lacks no frame after its first.
func checkContinuous(t *testing.T, c *contract.Conn, log *http2debug.Log) {
	t.Helper()
	p := &oracle.Partial{Trace: c, Log: log.Conns[0], Headers: http2debug.Attribute(eventsOf(log, log.Conns[0]), log.Conns[0])}
	for d, m := range checkPartial(t, p) {
		// The client is gone, and the server may have sent to nobody.
		if m.Within > 0 || m.After > 3 || m.Before == 0 {
			t.Errorf("%s: %+v frames missing, want those before the attach only", wire.Dir(d), m)
		}
	}
}

// checkWhole requires full equality of the connection that began after the attach.
func checkWhole(t *testing.T, c *contract.Conn, log *http2debug.Log) {
	t.Helper()
	own := &http2debug.Log{Conns: log.Conns[1:], Events: eventsOf(log, log.Conns[1])}
	pairs, err := oracle.Match([]*contract.Conn{c}, own, oracle.Options{Tail: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := oracle.CheckHeaders(pairs, own); err != nil {
		t.Error(err)
	}
	if err := checkConn(pairs[0]); err != nil {
		t.Error(err)
	}
	if err := oracle.CheckWindows(c); err != nil {
		t.Error(err)
	}
}

// eventsOf returns the part of the log in which c was the only connection at work:
// from its first frame to its last, with the fields that follow.
func eventsOf(log *http2debug.Log, c *http2debug.Conn) []http2debug.Event {
	first, end := -1, 0
	for i, e := range log.Events {
		if e.Conn == c {
			if first < 0 {
				first = i
			}
			end = i + 1
		}
	}
	for end < len(log.Events) && log.Events[end].Conn == nil {
		end++
	}
	return log.Events[first:end]
}

// checkPartial compares the trace of a connection with the log.
func checkPartial(t *testing.T, p *oracle.Partial) [2]oracle.Missing {
	t.Helper()
	for _, e := range p.Trace.Frames {
		if e.Violation != "" {
			t.Errorf("after a loss, a sound frame is called broken: %s", e.Raw)
		}
	}
	missing, err := p.Place()
	if err != nil {
		t.Fatal(err)
	}
	known, unknown, err := p.CheckUnknown()
	if err != nil {
		t.Error(err)
	}
	if err := p.CheckWindows(); err != nil {
		t.Error(err)
	}
	t.Logf("%d frames placed, %+v missing; %d header lists known, %d unknown", len(p.Trace.Frames), missing, known, unknown)
	return missing
}

func size(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}
