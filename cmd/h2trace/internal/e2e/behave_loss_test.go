package e2e

import (
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/contract"
)

// TestLostEnds fills the smallest buffer up with processes while h2trace is
// stopped, so that the close of a connection and the exits of the targets
// cannot be reported: h2trace notices them all the same, and the books balance.
func TestLostEnds(t *testing.T) {
	needProbes(t)
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

	tr.signal(syscall.SIGSTOP)
	root.typeIn("i=0; while [ $i -lt 400 ]; do /bin/true; i=$((i+1)); done; echo $$")
	root.readPID()
	touch(t, dir+"/end")
	root.typeIn("wait; exit 3")
	root.end()
	tr.signal(syscall.SIGCONT)
	r := tr.good() // by itself, as all targets have exited

	balance, err := r.stream.Summary.Balance()
	if err != nil {
		t.Fatal(err)
	}
	if balance.Lost == 0 {
		t.Fatal("nothing was lost with a buffer that was too small")
	}
	wantSound(t, r.stream)
	for _, pid := range []int{root.pid, client} {
		if e := ofPID(t, processEvents(r.stream, "exit"), pid); e.ExitCode != nil {
			t.Errorf("an exit code that was lost: %s", e.Raw)
		}
	}
	conns := r.stream.Conns()
	if i := slices.IndexFunc(conns, func(c *contract.Conn) bool { return c.Open.PID == client }); i < 0 || conns[i].Close == nil {
		t.Error("the connection has no close line")
	}
}
