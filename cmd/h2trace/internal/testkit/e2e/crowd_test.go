package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// meeting is a server that answers each request for /meet/… when it is told to, and all others at
// once. It counts them by path.
type meeting struct {
	url string
	env []string
	end chan struct{} // closed when those that meet get their answers

	mu     sync.Mutex
	met    int
	counts map[string]int
}

func startMeeting(t *testing.T) *meeting {
	t.Helper()
	a, ln := modproxy.NewAuthority(t), listenLocal(t)
	m := &meeting{url: "https://" + ln.Addr().String(), env: peerEnv(a), end: make(chan struct{}), counts: make(map[string]int)}
	serveTLS(t, a, ln, m, nil)
	return m
}

func (m *meeting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	meets := strings.HasPrefix(r.URL.Path, "/meet/")
	m.mu.Lock()
	m.counts[r.URL.Path]++
	if meets {
		m.met++
	}
	m.mu.Unlock()
	if meets {
		select {
		case <-m.end:
		case <-r.Context().Done():
		}
	}
	_, _ = w.Write([]byte(r.URL.Path))
}

// awaitMet waits until so many requests wait for their answers.
func (m *meeting) awaitMet(t testing.TB, n int) {
	t.Helper()
	await(t, fmt.Sprintf("%d requests at once", n), func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.met >= n
	})
}

// crowdSize is how many targets h2trace has at once.
const crowdSize = 300

// TestCrowd has 300 targets at once, each with a connection. All exchanges of all are seen, what
// h2trace holds is bounded, and gone afterwards.
func TestCrowd(t *testing.T) {
	needProbes(t)
	for _, mode := range []string{"-p", "-n", "run"} {
		t.Run(mode, func(t *testing.T) { observeCrowd(t, mode) })
	}
}

func observeCrowd(t *testing.T, mode string) {
	m := startMeeting(t)
	file := filepath.Join(t.TempDir(), "crowd")
	fetch.copyTo(t, file)
	crowd := startCrowd(t, m, mode, file)
	tr := crowd.tracing
	m.awaitMet(t, crowdSize)
	tr.awaitEvent(`"event":"request"`, crowdSize)
	r := resourcesOf(t, tr.cmd.Process.Pid)
	const part = "crowd"
	within(t, part, mode+": resident memory", r[residentMemory], 160, "MB")
	within(t, part, mode+": descriptors", r["descriptors"], 200+crowdSize, "") // one for each target
	within(t, part, mode+": threads", r["threads"], 60, "")
	within(t, part, mode+": probes", r["probes (BPF links)"], 100, "") // they are of the executable
	held := tr.holdings()
	close(m.end)
	crowd.leave()
	tr.awaitEvent(`"action":"exit"`, crowdSize)
	if crowd.stay == 0 {
		awaitEmpty(t, tr.cmd.Process.Pid)
	}
	crowd.end()
	checkCrowd(t, tr.good(), m)
	held.wantNothingLeft(t)
}

// crowd is a number of running targets.
type crowd struct {
	tracing *tracing
	leave   func() // waits for their ends
	stay    int    // targets that outlast these
	end     func() // ends the observation
}

// startCrowd starts h2trace and its targets.
func startCrowd(t *testing.T, m *meeting, mode, file string) *crowd {
	t.Helper()
	urls := func(i int) []string {
		return []string{fmt.Sprintf("%s/meet/%03d", m.url, i), fmt.Sprintf("%s/after/%03d", m.url, i)}
	}
	if mode == "run" {
		tr := startTracing(t, command{args: []string{spawn.path(t)}, env: m.env})
		s := newSpawner(t, tr.stdin, tr.stdout)
		ready := filepath.Join(t.TempDir(), "ready")
		first := s.start(file, "@"+ready)
		tr.awaitEvent(`"comm":"crowd","action":"attached"`, 1) // the probes of the first may be too late
		touch(t, ready)
		s.await(first)
		var all []<-chan spawned
		for i := range crowdSize {
			all = append(all, s.start(append([]string{file}, urls(i)...)...))
		}
		return &crowd{tracing: tr, stay: 1, end: s.end, leave: func() {
			for _, done := range all {
				s.await(done)
			}
		}}
	}
	c := &crowd{end: func() {}}
	var all []*program
	start := func() {
		for i := range crowdSize {
			all = append(all, startFile(t, file, m.env, append([]string{"-"}, urls(i)...)...))
		}
	}
	if mode == "-n" {
		c.tracing = startTracing(t, command{flags: []string{"-n", filepath.Base(file)}})
		c.tracing.awaitObserving()
		c.end = func() { c.tracing.signal(os.Interrupt) }
		start()
	} else {
		stays := startProgram(t, fetch, "-")
		start()
		pids := []int{stays.pid}
		for _, p := range all {
			pids = append(pids, p.pid)
		}
		c.tracing = startTracing(t, command{flags: []string{"-p", join(pids...)}})
		c.stay, c.end = 1, stays.end
	}
	c.tracing.awaitEvent(`"action":"attached"`, crowdSize+c.stay)
	for _, p := range all {
		p.goOn()
	}
	c.leave = func() {
		for _, p := range all {
			if p.end(); p.cmd.ProcessState.ExitCode() != 0 {
				t.Errorf("a target: %s", p.cmd.ProcessState)
			}
		}
	}
	return c
}

// checkCrowd requires that each target was seen from its first byte to its exit, and that what was
// seen is what the server counted.
func checkCrowd(t *testing.T, r *result, m *meeting) {
	t.Helper()
	seen := make(map[string]int)
	by := make(map[int]map[string]bool) // the numbers in the paths of a process
	list, err := r.stream.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range r.stream.Of("exchange") {
		x := &list[i]
		path := strings.TrimPrefix(x.URL, m.url)
		seen[path]++
		if x.Status != 200 || x.ResponseBytes == nil || *x.ResponseBytes != int64(len(path)) || x.Error != nil {
			t.Errorf("got %s", e.Raw)
		}
		if by[e.PID] == nil {
			by[e.PID] = make(map[string]bool)
		}
		by[e.PID][path[len(path)-3:]] = true
	}
	if diff := cmp.Diff(m.counts, seen); diff != "" || len(seen) != 2*crowdSize {
		t.Errorf("exchanges (-server +h2trace):\n%s", diff)
	}
	for pid, numbers := range by {
		if len(numbers) != 1 {
			t.Errorf("process %d is said to have exchanged for %v", pid, numbers)
		}
		if e := ofPID(t, processEvents(r.stream, "exit"), pid); e.ExitCode == nil || *e.ExitCode != 0 {
			t.Errorf("want exit status 0: %s", e.Raw)
		}
	}
	conns := r.stream.Conns()
	for _, c := range conns {
		if c.Open == nil || c.Open.Joined != "start" || c.Close == nil || c.Close.PID != c.Open.PID {
			t.Errorf("connection %s was not seen from start to end", c.ID)
		}
	}
	if len(conns) != crowdSize || len(by) != crowdSize {
		t.Errorf("%d connections of %d processes, want %d", len(conns), len(by), crowdSize)
	}
	wantNoLoss(t, r.stream)
	wantSound(t, r.stream)
}

// wantNoLoss requires that nothing is announced as lost.
func wantNoLoss(t testing.TB, s *contract.Stream) {
	t.Helper()
	if lost := s.Of("loss"); len(lost) > 0 {
		t.Errorf("lost: %s", rawOf(lost))
	}
}
