package e2e

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

var (
	// doomedPhases are the phases of a request in which a client ends.
	doomedPhases = []string{"dns", "connect", "tls", "idle", "upload", "wait", "body"}
	// doomedActs are what it does there.
	doomedActs = []string{"segv", "kill", "exec", "fork", "vfork"}
)

// ending is a client that acts in a phase.
type ending struct {
	phase, act string
	url        string // of its server
	other      string // URL of other programs
	pid        int
	child      int // 0 without
}

// survives reports whether the request goes on after the act.
func (e *ending) survives() bool { return e.act == "fork" || e.act == "vfork" }

// TestEndings has clients crash, execute another program and fork in each phase of a request. Each
// connection, request and process has its proper end, and nothing of them is left.
func TestEndings(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	s := startSiteOf(t, a)
	file := filepath.Join(t.TempDir(), "doomed")
	doomed.copyTo(t, file)
	tr := startTracing(t, command{flags: []string{"-n", "doomed"}})
	tr.awaitObserving()
	first := startFile(t, file, nil, "", "", "", "")
	tr.awaitEvent(`"action":"attached"`, 1) // the probes of the first may be too late
	first.end()
	var all []*ending
	t.Run("run", func(t *testing.T) {
		for _, phase := range doomedPhases {
			for _, act := range doomedActs {
				e := &ending{phase: phase, act: act, other: s.url + "/other/" + phase + "/" + act}
				all = append(all, e)
				peer := startPhasePeer(t, a, phase, len(all))
				t.Run(phase+" "+act, func(t *testing.T) {
					t.Parallel()
					e.run(t, file, s.env, peer)
				})
			}
		}
	})
	awaitEmpty(t, tr.cmd.Process.Pid)
	held := tr.holdings()
	tr.signal(os.Interrupt)
	r := tr.good()
	held.wantNothingLeft(t)
	wantNoLoss(t, r.stream)
	wantSound(t, r.stream)
	list, err := r.stream.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	checkRequests(t, r.stream, list)
	for _, e := range all {
		t.Run("events/"+e.phase+" "+e.act, func(t *testing.T) { e.check(t, r.stream) })
	}
}

// run runs the client to its end.
func (e *ending) run(t *testing.T, file string, env []string, peer *phasePeer) {
	e.url = peer.url
	p := startFile(t, file, env, e.phase, e.act, e.url, peer.resolver, fetch.path(t), e.other)
	e.pid = p.pid
	p.goOn()
	if e.phase == "idle" || e.phase == "body" {
		if got := firstLine(t, p.stdout); got != "reached" {
			t.Errorf("the client says %q", got)
		}
	} else {
		peer.awaitReached()
	}
	p.goOn()
	if e.survives() {
		e.child = p.readAfter("acted ")
		peer.release()
	}
	_, _ = io.Copy(io.Discard, p.stdout)
	err := p.cmd.Wait()
	p.ended = true
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if want := map[string]syscall.Signal{"segv": syscall.SIGSEGV, "kill": syscall.SIGKILL}[e.act]; want != 0 && status.Signal() != want || want == 0 && err != nil {
		t.Errorf("the client ended with %s", p.cmd.ProcessState)
	}
}

// exchanged is what an exchange event should say. The class is that of its error.
type exchanged struct {
	URL               string
	Status            int
	Class             string
	Request, Response int64
}

// exchanges returns what the client, and what it executes or starts, should have exchanged.
func (e *ending) exchanges() []exchanged {
	own := exchanged{URL: e.url + "/" + e.phase, Status: 200}
	if !e.survives() {
		own.Class = "aborted"
	}
	half := int64(heldBody)
	if !e.survives() {
		half /= 2
	}
	var list []exchanged
	switch e.phase {
	case "idle":
		list = append(list, exchanged{URL: e.url + "/first", Status: 200})
		if own.URL = e.url + "/second"; !e.survives() {
			break
		}
		list = append(list, own)
	case "upload":
		own.Request = half
		fallthrough
	case "wait":
		if !e.survives() {
			own.Status = 0
		}
		list = append(list, own)
	case "body":
		own.Response = half
		list = append(list, own)
	default: // no connection yet
		if e.survives() {
			list = append(list, own)
		}
	}
	if e.act == "exec" || e.act == "vfork" {
		_, path, _ := strings.Cut(strings.TrimPrefix(e.other, "https://"), "/")
		list = append(list, exchanged{URL: e.other, Status: 200, Response: int64(len(path)) + 1})
	}
	slices.SortFunc(list, func(a, b exchanged) int { return strings.Compare(a.URL, b.URL) })
	return list
}

// check compares the events of the client, and of its child, with what it did.
func (e *ending) check(t *testing.T, s *contract.Stream) {
	mine := func(pid int) bool { return pid == e.pid || pid == e.child && pid != 0 }
	list, err := s.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	var got []exchanged
	for i, event := range s.Of("exchange") {
		x := &list[i]
		if !mine(event.PID) {
			continue
		}
		one := exchanged{URL: x.URL, Status: x.Status, Request: *x.RequestBytes, Response: *x.ResponseBytes}
		if x.Error != nil {
			one.Class = x.Error.Class
		}
		if x.Open || x.URL == e.other && (event.PID == e.child) != (e.act == "vfork") {
			t.Errorf("got %s", event.Raw)
		}
		got = append(got, one)
	}
	slices.SortFunc(got, func(a, b exchanged) int { return strings.Compare(a.URL, b.URL) })
	if diff := cmp.Diff(e.exchanges(), got); diff != "" {
		t.Errorf("exchanges (-want +got):\n%s", diff)
	}
	e.checkConns(t, s, mine)
	codes := map[int]int{e.pid: map[string]int{"segv": 139, "kill": 137}[e.act]}
	if e.act == "vfork" {
		codes[e.child] = 0
	}
	wantExits(t, s, codes)
	for _, event := range s.Of("process") {
		if e.act == "fork" && event.PID == e.child {
			t.Errorf("of a child that executes nothing: %s", event.Raw)
		}
	}
}

// checkConns requires that what was opened is closed, and what failed is said to have failed.
func (e *ending) checkConns(t *testing.T, s *contract.Stream, mine func(pid int) bool) {
	t.Helper()
	var failed []string
	queries := 0
	open := make(map[string]*contract.Event)
	for _, c := range s.Of("conn") {
		switch {
		case !mine(c.PID):
		case c.Action == "open":
			open[c.Conn] = c
		case c.Action == "close" && open[c.Conn] != nil:
			delete(open, c.Conn)
		case c.Action == "dns":
			if queries++; strings.Contains(c.Raw, `"rcode":null`) == e.survives() {
				t.Errorf("answered or not: %s", c.Raw)
			}
		case c.Action == "failed":
			var v struct{ Error contract.Failure }
			if err := json.Unmarshal([]byte(c.Raw), &v); err != nil {
				t.Fatal(err)
			}
			failed = append(failed, v.Error.Class)
		default:
			t.Errorf("got %s", c.Raw)
		}
	}
	for _, c := range open {
		t.Errorf("not closed: %s", c.Raw)
	}
	var want []string
	if !e.survives() && (e.phase == "dns" || e.phase == "connect") {
		want = []string{e.phase}
	}
	if diff := cmp.Diff(want, failed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if (queries > 0) != (e.phase == "dns") {
		t.Errorf("%d queries for names", queries)
	}
}
