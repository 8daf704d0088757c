package e2e

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// TestLostEnds fills the smallest buffer with processes while h2trace is stopped. So
// the close of a connection and the exits of the targets cannot be reported. h2trace
// notices them all the same, and the ledger balances.
func TestLostEnds(t *testing.T) {
	needProbes(t)
	t.Run("of all targets", func(t *testing.T) { loseEnds(t, true) })
	t.Run("of one target", func(t *testing.T) { loseEnds(t, false) })
}

func loseEnds(t *testing.T, all bool) {
	s := startSite(t)
	dir := t.TempDir()
	root := shell(t, s.env)
	root.typeIn(strings.Join([]string{fetch.path(t), s.url + "/before", "@" + dir + "/ready", s.url + "/seen", "@" + dir + "/end", "&"}, " "))
	if got := root.readAfter("/before"); got == 0 {
		t.Fatal("no client")
	}
	tr := startTracing(t, command{flags: []string{"--buffer", "64KiB", "-p", strconv.Itoa(root.pid)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	touch(t, dir+"/ready")
	client := root.readAfter("/seen")
	tr.awaitEvent(`"type":"DATA"`, 1)

	held := tr.holdings()
	tr.signal(syscall.SIGSTOP)
	root.typeIn("i=0; while [ $i -lt 400 ]; do /bin/true; i=$((i+1)); done; echo $$")
	root.readPID()
	touch(t, dir+"/end")
	root.typeIn("wait; echo $$")
	root.readPID()
	if all {
		root.end()
	}
	tr.signal(syscall.SIGCONT)
	if !all {
		tr.awaitEvent(`"exit_code":null`, 1)
		tr.awaitEvent(`"action":"close"`, 1)
		root.typeIn("exit 3")
	}
	r := tr.good() // by itself, as all targets have exited
	root.end()
	held.wantNothingLeft(t)

	balance, err := r.stream.Summary.Balance()
	if err != nil {
		t.Fatal(err)
	}
	if balance.Lost == 0 {
		t.Fatal("nothing was lost with a buffer that was too small")
	}
	wantSound(t, r.stream)
	exits := processEvents(r.stream, "exit")
	if e := ofPID(t, exits, client); e.ExitCode != nil {
		t.Errorf("an exit code that was lost: %s", e.Raw)
	}
	if e := ofPID(t, exits, root.pid); (e.ExitCode == nil) != all {
		t.Errorf("exit of the shell: %s", e.Raw)
	}
	conns := r.stream.Conns()
	if i := slices.IndexFunc(conns, func(c *contract.Conn) bool { return c.Open.PID == client }); i < 0 || conns[i].Close == nil {
		t.Error("the connection has no close line")
	}
}

// TestLostBodies captures bodies into a buffer that is too small: a payload with a
// gap is not printed as a complete one.
func TestLostBodies(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	ready := t.TempDir() + "/go"
	args := []string{fetch.path(t), "mute", s.url + "/numbers", "@" + ready}
	for range 150 {
		args = append(args, s.url+"/numbers")
	}
	tr := startTracing(t, command{flags: []string{"--buffer", "64KiB", "-s", "65536"}, args: args, env: s.env})
	tr.awaitEvent(`"type":"DATA"`, 1)
	tr.signal(syscall.SIGSTOP)
	touch(t, ready)
	await(t, "more traffic than the buffer holds", func() bool { return s.requests.Load() > 50 })
	tr.signal(syscall.SIGCONT)
	r := tr.good()

	if len(r.stream.Of("loss")) == 0 {
		t.Fatal("nothing was lost with a buffer that was too small")
	}
	wantPaths(t, r.stream, []string{"/numbers"}, "/numbers")
	whole, cut := 0, 0
	for _, e := range r.stream.Of("frame") {
		if e.Type != "DATA" {
			continue
		}
		var v struct {
			Body *string `json:"body"`
		}
		if err := json.Unmarshal([]byte(e.Raw), &v); err != nil {
			t.Fatal(err)
		}
		switch {
		case v.Body == nil && e.DataLength == 0:
		case v.Body != nil && len(*v.Body) == int(e.DataLength) && !e.Truncated:
			whole++
		default:
			cut++
			if !e.Truncated {
				t.Errorf("a cut payload that is not called truncated: %.300s", e.Raw)
			}
		}
		if v.Body != nil && !strings.Contains(numbersBody, *v.Body) {
			t.Errorf("a body that was never sent: %.300s", e.Raw)
		}
	}
	t.Logf("%d payloads whole, %d cut", whole, cut)
	if whole == 0 {
		t.Error("no payload is whole")
	}
}
