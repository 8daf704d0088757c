package e2e

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/contract"
	"h2trace/cmd/h2trace/internal/http2debug"
	"h2trace/cmd/h2trace/internal/modproxy"
	"h2trace/cmd/h2trace/internal/oracle"
)

// TestJoinWindows attaches to clients that are at work, at random moments: every
// window that is printed is the true one, by the log of the client from its
// start, and soon all are.
func TestJoinWindows(t *testing.T) {
	needProbes(t)
	for _, impl := range []string{"net", "x"} {
		for _, storm := range storms {
			t.Run(impl+"/"+storm.name, func(t *testing.T) { joinWindows(t, impl, storm.scenario) })
		}
	}
}

func joinWindows(t *testing.T, impl, scenario string) {
	a := modproxy.NewAuthority(t)
	logFile := filepath.Join(t.TempDir(), "debug.log")
	pid, end := startPair(t, a, "client", impl, scenario, logFile)
	await(t, "requests before the attach", func() bool { return lines(logFile, ":path") > 50 })
	var traces []*contract.Stream
	for range joins {
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
		tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(pid)}})
		await(t, "windows after the attach", func() bool { return knownWindows(tr.events) > 500 })
		if err := tr.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		r := tr.wait()
		if r.status != 0 {
			t.Fatalf("exit status %d\n%s", r.status, indent(r.stderr))
		}
		traces = append(traces, r.stream)
	}
	end()
	b, err := os.ReadFile(logFile)
	if err != nil {
		t.Fatal(err)
	}
	log, err := http2debug.Parse(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	headers := http2debug.Attribute(eventsOf(log, log.Conns[0]), log.Conns[0])
	for _, s := range traces {
		p := &oracle.Partial{Trace: s.Conns()[0], Log: log.Conns[0], Headers: headers}
		checkPartial(t, p)
		known, err := p.CheckFlow()
		if err != nil {
			t.Error(err)
		}
		if known.ConnSend == 0 || known.ConnRecv == 0 || known.Streams == 0 {
			t.Error("not all kinds of windows are known")
		}
		t.Logf("%+v", known)
	}
}

var knownWindow = regexp.MustCompile(`"window":{"conn_send":-?[0-9]`)

// knownWindows returns how many frames have windows in a file of events.
func knownWindows(file string) int {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0 // not written yet
	}
	return len(knownWindow.FindAll(b, -1))
}
