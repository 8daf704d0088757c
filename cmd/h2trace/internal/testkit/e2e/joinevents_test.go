package e2e

import (
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestJoinEvents attaches to a client of an open event stream, alone on its
// connection. Its windows become known, and match the numbers in the events.
func TestJoinEvents(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	cmd := exec.Command(fetch.path(t), "mute", s.url+"/events")
	cmd.Env = s.env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	await(t, "the stream to be open", func() bool { return s.requests.Load() > 0 })
	tr := startTracing(t, command{flags: []string{"-s", "64", "-p", strconv.Itoa(cmd.Process.Pid)}})
	tr.awaitEvent(`"stream_recv":419`, 20)
	tr.signal(syscall.SIGINT)
	known := 0
	for _, e := range tr.good().stream.Of("frame") {
		if e.Type != "DATA" || e.Stream != 1 || e.Window.StreamRecv == nil {
			continue
		}
		var v struct{ Body string }
		if err := json.Unmarshal([]byte(e.Raw), &v); err != nil {
			t.Fatal(err)
		}
		number, err := strconv.ParseInt(strings.TrimSpace(v.Body), 10, 64)
		if err != nil {
			t.Fatalf("%v: %s", err, e.Raw)
		}
		// Go's client gives 4 MiB, and returns at least 4 KiB at a time.
		const initial, least = 4 << 20, 4 << 10
		if given := *e.Window.StreamRecv + eventLength*(number+1) - initial; given < 0 || given%least != 0 {
			t.Errorf("behind event %d: %s", number, e.Raw)
		}
		known++
	}
	if known < 20 {
		t.Errorf("%d windows are known", known)
	}
}
