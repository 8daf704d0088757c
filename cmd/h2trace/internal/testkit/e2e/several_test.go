package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// TestSeveral has two and four h2trace observe the same targets, each with a gatekeeper. One ends
// by SIGINT, and of four another is killed. Those that remain see all that the server counts, and
// the same frames.
func TestSeveral(t *testing.T) {
	needProbes(t)
	for _, mode := range []string{"-p", "-n", "run"} {
		for _, n := range []int{2, 4} {
			t.Run(fmt.Sprint(n, " ", mode), func(t *testing.T) { observeSeveral(t, mode, n) })
		}
	}
}

// several are h2trace that observe the same targets.
type several struct {
	t         *testing.T
	meeting   *meeting
	observers []*tracing
	spawner   *spawner
	client    *program // with one connection, nil in run mode
}

func observeSeveral(t *testing.T, mode string, n int) {
	s := startSeveral(t, mode, n)
	first := s.file()
	s.run(first)
	s.work("before", first)
	if n > 2 {
		tr, held := s.leaves()
		tr.signal(syscall.SIGKILL)
		_ = tr.cmd.Wait()
		held.wantNothingLeft(t)
	}
	tr, held := s.leaves()
	tr.signal(os.Interrupt)
	s.wantSeen(tr.good(), s.requests())
	held.wantNothingLeft(t)
	second := s.file() // which only those that remain hold
	s.run(second)
	s.work("after", first)
	s.work("again", second)
	s.end(mode)
}

// startSeveral starts n h2trace and what they observe.
func startSeveral(t *testing.T, mode string, n int) *several {
	t.Helper()
	s := &several{t: t, meeting: startMeeting(t)}
	flags := []string{"-n", "several"}
	if mode == "run" {
		tr := startTracing(t, command{args: []string{spawn.path(t)}, env: s.meeting.env})
		s.observers = append(s.observers, tr)
		s.spawner = newSpawner(t, tr.stdin, tr.stdout)
	} else {
		args := []string{"-"}
		for _, when := range []string{"before", "after", "again"} {
			args = append(args, s.meeting.url+"/"+when+"/client/1", s.meeting.url+"/"+when+"/client/2", "-")
		}
		s.client = startFile(t, s.file(), s.meeting.env, args...)
		s.spawner = startSpawner(t, s.meeting.env)
	}
	if mode == "-p" {
		flags = []string{"-p", join(s.client.pid, s.spawner.pid)}
	}
	for len(s.observers) < n {
		s.observers = append(s.observers, startTracing(t, command{flags: flags}))
	}
	for _, tr := range s.observers {
		if mode == "-n" || tr.cmd.Args[len(tr.cmd.Args)-1] == "several" {
			tr.awaitObserving()
		}
		if s.client != nil {
			tr.awaitEvent(`"action":"attached"`, 1)
		}
	}
	return s
}

// file returns a new executable.
func (s *several) file() string {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "several")
	fetch.copyTo(s.t, file)
	return file
}

// run runs a new executable until all have attached to it.
func (s *several) run(file string) {
	s.t.Helper()
	ready := filepath.Join(filepath.Dir(file), "ready")
	done := s.spawner.start(file, "@"+ready)
	for _, tr := range s.observers {
		tr.awaitEvent(`"exe":"`+file+`"`, 2) // exec and attached
	}
	touch(s.t, ready)
	if r := s.spawner.await(done); r.started > longHold {
		s.t.Errorf("an exec that %d gatekeepers hold took %s", len(s.observers), r.started)
	}
}

// work has processes and the client request paths that begin with when.
func (s *several) work(when, file string) {
	s.t.Helper()
	var all []<-chan spawned
	for i := range 3 {
		url := fmt.Sprintf("%s/%s/%d", s.meeting.url, when, i)
		all = append(all, s.spawner.start(file, url+"/first", url+"/second"))
	}
	if s.client != nil {
		s.client.goOn()
		s.client.readAfter("/" + when + "/client/1/" + when + "/client/2")
	}
	for _, done := range all {
		s.spawner.await(done)
	}
}

// leaves takes the last of the observers away.
func (s *several) leaves() (*tracing, *holdings) {
	s.t.Helper()
	last := len(s.observers) - 1
	tr := s.observers[last]
	s.observers = s.observers[:last]
	return tr, tr.holdings()
}

// requests returns what the server has counted.
func (s *several) requests() map[string]int {
	s.meeting.mu.Lock()
	defer s.meeting.mu.Unlock()
	return maps.Clone(s.meeting.counts)
}

// end ends the targets, and compares what the observers saw.
func (s *several) end(mode string) {
	t := s.t
	t.Helper()
	var held []*holdings
	for _, tr := range s.observers {
		held = append(held, tr.holdings())
	}
	if s.client != nil {
		s.client.end()
	}
	s.spawner.end()
	var first []string
	for i, tr := range s.observers {
		if i > 0 && mode == "run" || mode == "-n" {
			awaitEmpty(t, tr.cmd.Process.Pid)
			tr.signal(os.Interrupt)
		}
		r := tr.good()
		s.wantSeen(r, s.requests())
		seen := framesSeen(r.stream)
		if i == 0 {
			first = seen
		}
		if diff := cmp.Diff(first, seen); diff != "" {
			t.Errorf("frames (-first +another):\n%s", diff)
		}
	}
	for _, h := range held {
		h.wantNothingLeft(t)
	}
}

// wantSeen requires the exchanges that the server has counted, each on a sound connection.
func (s *several) wantSeen(r *result, want map[string]int) {
	t := s.t
	t.Helper()
	list, err := r.stream.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	for i := range list {
		x := &list[i]
		path := strings.TrimPrefix(x.URL, s.meeting.url)
		if got[path]++; x.Status != 200 || x.Error != nil || x.ResponseBytes == nil || *x.ResponseBytes != int64(len(path)) {
			t.Errorf("got %s", r.stream.Of("exchange")[i].Raw)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("exchanges (-server +h2trace):\n%s", diff)
	}
	wantNoLoss(t, r.stream)
	wantSound(t, r.stream)
}

// framesSeen returns the frames of all connections, in the order of each.
func framesSeen(s *contract.Stream) (frames []string) {
	for _, c := range s.Conns() {
		for i, f := range c.Frames {
			frames = append(frames, fmt.Sprintf("%s %03d: %s stream %d %s %v of %d bytes", c.Open.Local, i, f.Dir, f.Stream, f.Type, f.Flags, f.Length))
		}
	}
	slices.Sort(frames)
	return frames
}
