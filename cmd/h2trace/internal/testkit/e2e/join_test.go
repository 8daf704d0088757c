package e2e

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/http2debug"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// TestJoin attaches to one end of a connection that has been at work for a while, at
// random moments. Every printed header list is the one that the process itself
// logged, and after the first known one all are known.
func TestJoin(t *testing.T) {
	needProbes(t)
	for _, side := range []string{"client", "server"} {
		for _, impl := range []string{"net", "x"} {
			for _, storm := range storms {
				t.Run(side+"/"+impl+"/"+storm.name, func(t *testing.T) {
					t.Parallel() // most of it is waiting
					joinPair(t, side, impl, storm.scenario)
				})
			}
		}
	}
}

// TestJoinLargeTables does the same where both ends permit header tables of 64 KiB,
// which hold hundreds of entries from before the attach.
func TestJoinLargeTables(t *testing.T) {
	needProbes(t)
	for _, side := range []string{"client", "server"} {
		t.Run(side, func(t *testing.T) { joinPair(t, side, "x", "table", "-table", "65536") })
	}
}

// TestJoinPlain does the same on connections without TLS, which packets report, and
// awaits windows, too.
func TestJoinPlain(t *testing.T) {
	needProbes(t)
	chosen := []string{"client/net/all kinds of frames", "server/x/many streams"}
	full := os.Getenv("H2TRACE_JOINS") != ""
	if !full {
		t.Attr("reduced", "joins without TLS: tiny requests, and one more of each side; with H2TRACE_JOINS all")
	}
	for _, side := range []string{"client", "server"} {
		for _, impl := range []string{"net", "x"} {
			for i, storm := range storms {
				name := side + "/" + impl + "/" + storm.name
				if i == 0 || full || slices.Contains(chosen, name) {
					t.Run(name, func(t *testing.T) { joinPair(t, side, impl, storm.scenario, "-plain") })
				}
			}
		}
	}
}

// joins is how often a connection is joined.
const joins = 2

// roomy is a buffer that does not fill while h2trace gets no CPU time for a while:
// joined connections are copied whole.
const roomy = "128MiB"

func joinPair(t *testing.T, side, impl, scenario string, flags ...string) {
	a := modproxy.NewAuthority(t)
	plain := slices.Contains(flags, "-plain")
	logFile := filepath.Join(t.TempDir(), "debug.log")
	pid, end := startPair(t, a, side, impl, scenario, logFile, flags...)
	await(t, "requests before the attach", func() bool { return lines(logFile, ":path") > 50 })
	var traces []*contract.Stream
	for range joins {
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
		tr := startTracing(t, command{flags: []string{"--buffer", roomy, "-p", strconv.Itoa(pid)}})
		await(t, "header lists of both directions after the attach", func() bool {
			return lines(tr.events, `":path"`) > 10 && lines(tr.events, `":status"`) > 10
		})
		if plain {
			await(t, "windows after the attach", func() bool { return knownWindows(tr.events) > 30 })
			await(t, "windows of streams", func() bool { return knownStreams(tr.events) })
		}
		r := tr.interrupt()
		if err := checkSummary(r.stream); err != nil {
			t.Error(err)
		}
		traces = append(traces, r.stream)
	}
	end()
	log := readLog(t, logFile)
	headers := http2debug.Attribute(eventsOf(log, log.Conns[0]), log.Conns[0])
	for _, s := range traces {
		conns := s.Conns()
		if len(conns) != 1 {
			t.Fatalf("%d connections in the trace, want 1", len(conns))
		}
		p := &oracle.Partial{Trace: conns[0], Log: log.Conns[0], Headers: headers}
		checkPartial(t, p)
		known, err := p.CheckFlow()
		if err != nil {
			t.Error(err)
		}
		if plain && (known.ConnSend == 0 || known.ConnRecv == 0 || known.Streams == 0) {
			t.Errorf("what is known is not what can be: %+v", known)
		}
		checkJoined(t, conns[0])
	}
}

// startPair starts a server and a client that works until end is called, both with
// some flags. The one on the given side logs its frames.
func startPair(t *testing.T, a *modproxy.Authority, side, impl, scenario, logFile string, both ...string) (pid int, end func()) {
	t.Helper()
	flags := append([]string{"-impl", "x", "-repeat", "-timeout", "10m", "-scenario", scenario}, both...)
	if side == "server" {
		srv := startLoggingServer(t, serverArgs(t, a, append([]string{"-impl", impl}, both...)...), debugEnv(peerEnv(a)), logFile)
		endClient := startStorm(t, stormArgs(t, srv.addr, flags), peerEnv(a))
		return srv.pid, func() {
			endClient()
			srv.stop()
		}
	}
	srv := startServer(t, serverArgs(t, a, both...), peerEnv(a))
	flags[1] = impl
	args := stormArgs(t, srv.addr, flags)
	return startLogging(t, args, debugEnv(peerEnv(a)), logFile)
}

// stormArgs is an h2client against the server at addr, without TLS if one of the
// flags says so.
func stormArgs(t *testing.T, addr string, flags []string) []string {
	t.Helper()
	args := clientArgs(t, addr, flags...)
	if slices.Contains(flags, "-plain") {
		args = append(args, "-url", "http://"+addr)
	}
	return args
}

// startLogging starts a client that works until end is called, with its stderr
// in a file.
func startLogging(t *testing.T, args, env []string, logFile string) (pid int, end func()) {
	t.Helper()
	stderr, err := os.Create(logFile)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Stderr = env, stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd.Process.Pid, func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", args[0], err)
		}
	}
}

// buffered is how many bytes may be on the way at the attach beside one block, which
// is partly sent: what the http2 package encoded and did not flush, or read and did
// not decode. It buffers 4096 bytes.
const buffered = 4096

// checkJoined requires header lists in both directions, and no missing one after the
// first of a request or a response. Before it come only blocks that had begun or were
// buffered: trailers among them may be known, as they can do without a header table.
// The end of the trace may cut the last frame of a direction.
func checkJoined(t *testing.T, c *contract.Conn) {
	t.Helper()
	var known [2]int
	var unknown, bytesUnknown [2]int64
	var last [2]int
	for i, e := range c.Frames {
		last[e.Direction()] = i
	}
	for i, e := range c.Frames {
		d := e.Direction()
		switch {
		case e.Headers != nil:
			if slices.ContainsFunc(e.Headers, isPseudo) {
				known[d]++
			}
		case e.Truncated && i == last[d]:
		case e.HeadersError != "" && known[d] > 0:
			t.Errorf("%s line %d: %q after %d header lists that were known", c.ID, e.Line, e.HeadersError, known[d])
		case e.HeadersError != "":
			unknown[d]++
			bytesUnknown[d] += int64(e.Length) + 9
		}
	}
	for d := range known {
		if known[d] == 0 {
			t.Errorf("%s: no header list is known", wire.Dir(d))
		}
		if unknown[d] > 1 && bytesUnknown[d] > buffered {
			t.Errorf("%s: %d header lists of %d bytes are unknown at first", wire.Dir(d), unknown[d], bytesUnknown[d])
		}
	}
}

// isPseudo reports whether a header is a pseudo-header field, which trailers lack.
func isPseudo(h contract.Header) bool { return strings.HasPrefix(h.Name, ":") }
