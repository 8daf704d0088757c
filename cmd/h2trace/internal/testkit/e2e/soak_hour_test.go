package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/export/otlp/otlptest"
)

const (
	hourPart = "hour"
	// hourTurn is the time of a turn in a full run, of which 7,200 are an hour.
	hourTurn = 500 * time.Millisecond
	// probesOfCopy is how many an executable gets at most, with its descriptor.
	probesOfCopy = 12
	// hourBurst is the number of requests of a burst.
	hourBurst = 1000
)

// TestSoakHour runs h2trace as a service for an hour, under load and with faults: short, fresh and
// crashing programs, downloads, and bursts that it sleeps through; files that are rotated; and a
// collector that hangs, refuses, fails and comes back. Nothing is lost but what is counted, and
// nothing that h2trace holds grows.
func TestSoakHour(t *testing.T) {
	needProbes(t)
	turns, warmUp := amount(t, hourPart, "turns of load", 60, 7200), 30
	if soaking {
		warmUp = 600
	}
	h := startHour(t)
	for range warmUp {
		h.turn()
	}
	copies := h.copies
	before := settled(t, h.cmd.Process.Pid)
	peak := maps.Clone(before)
	for i := range turns {
		h.turn()
		if gatekeeperOf(h.cmd.Process.Pid) == 0 {
			t.Fatalf("the gatekeeper has ended in turn %d:\n%s", h.turns, indent(h.said()))
		}
		if i%30 == 0 {
			for what, n := range resourcesOf(t, h.cmd.Process.Pid) {
				peak[what] = max(peak[what], n)
			}
		}
		progress(t, hourPart, i+1, turns)
	}
	h.awaitFailures()
	after := settled(t, h.cmd.Process.Pid)
	secrets := h.site.secrets.heldBy(t, h.cmd.Process.Pid)
	scraped := sumOf(scrapeOf(t, h.metrics), "h2trace_requests_total")
	h.stop()

	told(t, hourPart, "turns after the warm-up", float64(turns), "")
	for _, what := range slices.Sorted(maps.Keys(after)) {
		limit := 0.0
		switch what {
		case residentMemory:
			limit = 10
		case "threads", "goroutines":
			limit = 50 // the maximum needed at a time: 32 of them to detach probes
		case "probes (BPF links)", "descriptors":
			if !soaking { // 64 executables keep theirs when nothing runs them any more
				limit = float64(probesOfCopy * (h.copies - copies))
			}
		}
		stays(t, hourPart, what, before[what], after[what], limit)
		if peak[what] > after[what] {
			told(t, hourPart, what+", at most", peak[what], "")
		}
	}
	within(t, hourPart, "session secrets held", float64(secrets), 0, fmt.Sprintf("of %d", len(h.site.secrets.all())))
	h.wantAll(scraped)
}

// hour is a service under load.
type hour struct {
	*service
	t         *testing.T
	site      *site
	collector *otlptest.Collector
	posts     atomic.Int64 // to the collector
	metrics   string       // URL

	// Programs of each trust the servers that they use.
	spawner, downloader, scenarios *spawner

	dir        string
	known      string // executable
	crasher    string // script: kills its program after its requests
	clientArgs []string
	downloads  killLoad

	turns   int
	copies  int       // executables so far
	rotated []string  // files
	next    time.Time // when the next turn begins, in a full run
}

func startHour(t *testing.T) *hour {
	t.Helper()
	h := &hour{t: t, site: startSite(t), dir: t.TempDir(), downloads: downloadLoad(t)}
	h.collector = otlptest.Start(t, h.fail)
	h.known = filepath.Join(h.dir, soakName)
	fetch.copyTo(t, h.known)
	h.crasher = filepath.Join(h.dir, "crash")
	child.WriteProgram(t, h.crasher, []byte("#!/bin/sh\nexec 2>/dev/null\n\"$@\" '!kill -KILL $PPID'\ntest $? = 137\n"))

	a := modproxy.NewAuthority(t)
	srv := startServer(t, serverArgs(t, a), peerEnv(a))
	client := filepath.Join(h.dir, "client", soakName)
	if err := os.Mkdir(filepath.Dir(client), 0o755); err != nil {
		t.Fatal(err)
	}
	copyFile(t, bin(t, "h2client"), client)
	h.clientArgs = clientArgs(t, srv.addr, "-scenario", "get,post,trailers,headers,streams,reset,abort,cancel")
	h.clientArgs[0] = client

	// There is little garbage between held and resident memory.
	env := []string{"GOGC=10", "OTEL_EXPORTER_OTLP_TIMEOUT=500", "OTEL_BSP_SCHEDULE_DELAY=500", "OTEL_METRIC_EXPORT_INTERVAL=2000"}
	h.service = startService(t, env, toCollector(h.collector.URL, "-n", soakName, "--source", "wire", "--metrics", "127.0.0.1:0", "-e", "exchange,conn,process,loss")...)
	h.awaitSaid("observing what runs", 1)
	h.metrics = awaitMetrics(t, h.said)
	h.spawner, h.downloader, h.scenarios = startSpawner(t, h.site.env), startSpawner(t, h.downloads.env), startSpawner(t, peerEnv(a))
	h.next = time.Now()
	return h
}

// fail has the collector fail: in 3 of 5 requests it is busy, refuses, or hangs.
func (h *hour) fail(n int, w http.ResponseWriter, r *http.Request) bool {
	h.posts.Store(int64(n) + 1)
	switch n % 5 {
	case 1:
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	case 2:
		w.WriteHeader(http.StatusBadRequest) // dropped
		return true
	case 3: // a request takes 500 ms at most
		<-r.Context().Done()
		return true
	}
	return false
}
