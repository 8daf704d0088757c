package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/http2debug"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
)

// joinBuilds are the clients that TestJoinWindows joins: the oldest and the newest
// release, and those in which the read state changed.
var joinBuilds = []struct {
	release string
	x       bool
	noRecv  bool // its own receive window of the connection is wrong
}{
	{release: "go1.18.10", noRecv: true},
	{release: "go1.21.13"},
	{release: "go1.24.13"},
	{release: "go1.26.8"},
	{release: "go1.27.3"},
	{release: "go1.21.13", x: true},
}

// TestJoinWindows attaches to working clients, at random moments. Every printed
// window is the true one, by the log of the client from its start, and soon all are
// known. H2TRACE_JOINS says how often.
func TestJoinWindows(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	srv := startServer(t, serverArgs(t, a, "-impl", "x"), peerEnv(a))
	for _, build := range joinBuilds {
		toolchain(t, build.release)
		name := build.release
		if build.x {
			name += " x-net"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			file := filepath.Join(t.TempDir(), strings.ReplaceAll(name, " ", "-")+"-client")
			buildClient(t, joinClient, build.release, file, build.x, []string{"CGO_ENABLED=0"}, "-ldflags=-s -w")
			for _, work := range []string{"storm", "bulk", "idle"} {
				t.Run(work, func(t *testing.T) {
					joinWindows(t, []string{file, "https://" + srv.addr, work}, debugEnv(peerEnv(a)), !build.noRecv)
				})
			}
		})
	}
}

// joinTimes is how often a client is joined.
func joinTimes() int {
	if n, err := strconv.Atoi(os.Getenv("H2TRACE_JOINS")); err == nil {
		return n
	}
	return 1
}

func joinWindows(t *testing.T, args, env []string, recvKept bool) {
	logFile := filepath.Join(t.TempDir(), "debug.log")
	pid, end := startLogging(t, args, env, logFile)
	joinLogging(t, pid, filepath.Base(args[0]), logFile, end, 30, recvKept)
}

// joinLogging attaches to a process of one connection, which logs its frames, until
// some windows are known, and calls end before it reads the log.
func joinLogging(t *testing.T, pid int, name, logFile string, end func(), frames int, recvKept bool) {
	t.Helper()
	await(t, "a request before the attach", func() bool { return lines(logFile, ":path") > 1 })
	var traces []*contract.Stream
	for i := range joinTimes() {
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
		flags := []string{"--buffer", roomy, "-p", strconv.Itoa(pid)}
		if i%2 == 1 {
			flags = []string{"--buffer", roomy, "-n", name, "--duration", "1h"}
		}
		tr := startTracing(t, command{flags: flags})
		await(t, "windows after the attach", func() bool { return knownWindows(tr.events) > frames })
		await(t, "windows of streams", func() bool { return knownStreams(tr.events) })
		r := tr.interrupt()
		traces = append(traces, r.stream)
	}
	end()
	log := readLog(t, logFile)
	headers := http2debug.Attribute(eventsOf(log, log.Conns[0]), log.Conns[0])
	for _, s := range traces {
		p := &oracle.Partial{Trace: s.Conns()[0], Log: log.Conns[0], Headers: headers}
		checkPartial(t, p)
		known, err := p.CheckFlow()
		if err != nil {
			t.Error(err)
		}
		if known.ConnSend == 0 || known.Streams == 0 || recvKept != (known.ConnRecv > 0) {
			t.Errorf("what is known is not what can be: %+v", known)
		}
		t.Attr("known", fmt.Sprintf("from frame %d, of streams from frame %d, of %d", known.FirstConn, known.FirstStreams, known.Frames))
	}
}

// anyWindow precedes the first window of a frame; unknownWindow is the same without a
// known one.
const anyWindow, unknownWindow = `"window":{"conn_send":`, `"window":{"conn_send":null`

// knownWindows returns how many frames in a file of events have a window of the
// connection, which only a sample can reveal.
func knownWindows(file string) int {
	all := lines(file, anyWindow) // first: the file grows
	return all - lines(file, unknownWindow)
}

// openStream is the window of a stream that has not ended.
var openStream = regexp.MustCompile(`"flags":(\[\]|\["END_HEADERS"\]),.*"stream_send":-?[0-9]+,"stream_recv":-?[0-9]`)

// knownStreams reports whether the windows of a stream are known.
func knownStreams(file string) bool {
	b, err := os.ReadFile(file)
	return err == nil && openStream.Match(b)
}
