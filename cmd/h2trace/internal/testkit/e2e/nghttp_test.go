package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/nghttp"
	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// checkNghttp compares the frames of a connection, with their header fields and
// priorities, with those of nghttp2 at the other end.
func checkNghttp(t *testing.T, c *contract.Conn, log *nghttp.Conn) {
	t.Helper()
	var got, want [2][]string // by direction of the trace
	for _, f := range log.Frames {
		d := wire.Send + wire.Recv - f.Dir
		want[d] = append(want[d], describe(&f.Frame, f.Fields, f.Priority))
	}
	for _, e := range c.Frames {
		f, err := e.WireFrame()
		if err != nil {
			t.Fatal(err)
		}
		var with struct{ Priority *nghttp.Priority }
		if err := json.Unmarshal([]byte(e.Raw), &with); err != nil {
			t.Fatal(err)
		}
		var fields []wire.Field
		for i := range e.Headers {
			fields = append(fields, e.Headers[i].Field())
		}
		d := e.Direction()
		s, n := describe(f, fields, with.Priority), len(got[d])
		if d == wire.Send {
			if n == len(want[d]) {
				continue // sent to a peer that has left
			}
			if f.Type == wire.WindowUpdate && f.Stream != 0 && s != want[d][n] {
				continue // nghttp2 does not log those for closed streams
			}
		}
		got[d] = append(got[d], s)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: frames sent, and received (-nghttp2 +trace):\n%s", c.ID, diff)
	}
	if len(want[wire.Send]) < 4 || len(want[wire.Recv]) < 3 {
		t.Errorf("%d frames sent, %d received", len(want[wire.Send]), len(want[wire.Recv]))
	}
}

func describe(f *wire.Frame, fields []wire.Field, p *nghttp.Priority) string {
	s := f.String()
	if p != nil {
		s += fmt.Sprintf(" %+v", *p)
	}
	return fmt.Sprintln(s, fields)
}

// startNghttpd runs one until the test ends, with its log in a file. It listens when
// the call returns.
func startNghttpd(t *testing.T, log, port string, args ...string) {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command("nghttpd", append(args, "--no-tls", "--verbose", "--address=127.0.0.1", port)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // its status is that of the signal
	})
	await(t, "nghttpd to listen", func() bool { return lines(log, "listen 127.0.0.1:"+port) == 1 })
}
