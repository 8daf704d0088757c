package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// chunkLength is what /stream sends at a time.
const chunkLength = 10_000

// metered is a server that sends chunks on /stream, and answers requests for /step/…, when the test
// wants it to. It answers others at once. The body is the path.
type metered struct {
	t      *testing.T
	url    string
	env    []string
	come   atomic.Int64  // requests for /step/…
	chunks chan struct{} // closed at the end of the response
}

func startMetered(t *testing.T) *metered {
	t.Helper()
	a, ln := modproxy.NewAuthority(t), listenLocal(t)
	m := &metered{t: t, url: "https://" + ln.Addr().String(), env: peerEnv(a), chunks: make(chan struct{})}
	serveTLS(t, a, ln, m, nil)
	return m
}

func (m *metered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/step/") {
		m.come.Add(1)
		<-m.chunks
	}
	if r.URL.Path != "/stream" {
		_, _ = w.Write([]byte(r.URL.Path))
		return
	}
	for range m.chunks {
		_, _ = w.Write(make([]byte, chunkLength))
		_ = http.NewResponseController(w).Flush()
	}
}

// send sends chunks, the last of which may still be on its way.
func (m *metered) send(n int) {
	m.t.Helper()
	for range n {
		select {
		case m.chunks <- struct{}{}:
		case <-time.After(patience):
			m.t.Fatalf("no request wanted an answer within %s", patience)
		}
	}
}

// stop stops a process and returns when none of its threads runs.
func stop(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	await(t, "the process to stop", func() bool {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/stat", pid, task.Name()))
			if err == nil && !strings.Contains(string(stat), ") T ") {
				return false
			}
		}
		return true
	})
}

func resume(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// TestStopAndContinue stops a target in the middle of a response, while others go on, and h2trace,
// while all go on. When they continue, nothing is missing, and all has its time.
func TestStopAndContinue(t *testing.T) {
	needProbes(t)
	m := startMetered(t)
	stopped := startFile(t, fetch.path(t), m.env, "mute", "-", m.url+"/stream", "-")
	args := []string{"mute", "-", m.url + "/meanwhile", "-"}
	const requests = 100
	for i := range requests {
		args = append(args, fmt.Sprintf("%s/unseen/%d", m.url, i))
	}
	other := startFile(t, fetch.path(t), m.env, append(args, "-")...)
	tr := startTracing(t, command{flags: []string{"-p", join(stopped.pid, other.pid)}})
	tr.awaitEvent(`"action":"attached"`, 2)
	h2trace := tr.cmd.Process.Pid

	stopped.goOn()
	m.send(10)
	tr.awaitEvent(`"type":"DATA"`, 1)
	stop(t, stopped.pid)
	m.send(10) // which wait in its socket
	other.goOn()
	other.readPID()
	tr.awaitEvent(`"event":"exchange"`, 1)
	continued := time.Now()
	resume(t, stopped.pid)
	m.send(10)

	stop(t, h2trace)
	other.goOn()
	other.readPID() // after its requests
	close(m.chunks)
	stopped.readPID()
	unstopped := time.Now()
	resume(t, h2trace)
	tr.awaitEvent(`"event":"exchange"`, 2+requests)
	held := tr.holdings()
	stopped.end()
	other.end()
	r := tr.good()
	held.wantNothingLeft(t)

	wantNoLoss(t, r.stream)
	wantSound(t, r.stream)
	list, err := r.stream.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"/stream": 30 * chunkLength, "/meanwhile": int64(len("/meanwhile"))}
	for i := range requests {
		path := "/unseen/" + strconv.Itoa(i)
		want[path] = int64(len(path))
	}
	got := make(map[string]int64)
	for i := range list {
		x := &list[i]
		path := strings.TrimPrefix(x.URL, m.url)
		got[path] = *x.ResponseBytes
		raw := r.stream.Of("exchange")[i].Raw
		if x.Error != nil || x.Status != 200 || x.Open {
			t.Errorf("got %s", raw)
		}
		if x.TS.After(unstopped) {
			t.Errorf("it ended before %s, when h2trace continued: %s", unstopped, raw)
		}
		if after := x.TS.After(continued); after != (path != "/meanwhile") {
			t.Errorf("after %s, when the target continued: %t, in %s", continued, after, raw)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bytes of responses (-want +got):\n%s", diff)
	}
}

// TestStopOften stops a target, or h2trace, at each of many responses, which come meanwhile.
func TestStopOften(t *testing.T) {
	needProbes(t)
	m := startMetered(t)
	const requests = 60
	args := []string{"mute", "-"}
	want := make(map[string]int)
	for i := range requests {
		path := "/step/" + strconv.Itoa(i)
		args, want[path] = append(args, m.url+path), 1
	}
	target := startFile(t, fetch.path(t), m.env, append(args, "-")...)
	tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(target.pid)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	target.goOn()
	for i := range requests {
		await(t, "the request", func() bool { return m.come.Load() > int64(i) })
		pid := []int{target.pid, tr.cmd.Process.Pid}[i%2]
		stop(t, pid)
		m.send(1)
		resume(t, pid)
	}
	target.readPID()
	target.end()
	r := tr.good()
	got := make(map[string]int)
	for _, path := range paths(r.stream, target.pid) {
		got[path]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	wantNoLoss(t, r.stream)
	wantSound(t, r.stream)
}
