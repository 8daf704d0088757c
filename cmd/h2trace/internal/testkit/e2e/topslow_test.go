package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTopSlowTerminal has a terminal that nobody reads while the target works. All is counted
// all the same, and shown when somebody reads.
func TestTopSlowTerminal(t *testing.T) {
	t.Parallel()
	needProbes(t)
	s := startSite(t)
	const requests = 50
	args := []string{"mute", "-"}
	for i := range requests {
		args = append(args, s.url+"/"+strconv.Itoa(i))
	}
	target := startFile(t, fetch.path(t), s.env, append(args, "-")...)
	near, far := openTerminal(t)
	cmd := exec.Command(bin(t, "h2trace"), "top", "-d", "100ms", "-p", strconv.Itoa(target.pid))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = far, far, far
	cmd.Env = append(os.Environ(), "TERM=xterm")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = far.Close() // top has its own
	head := make([]byte, 0, 1<<16)
	for !bytes.Contains(head, []byte("F10")) {
		n, err := near.Read(head[len(head):cap(head)])
		if err != nil {
			t.Fatalf("%v after %q", err, head)
		}
		head = head[:len(head)+n]
	}
	// It draws all again and again, until there is no more room.
	before := -1
	await(t, "the terminal to be full", func() bool {
		if _, err := io.WriteString(near, "\f\f\f\f\f\f\f\f"); err != nil {
			t.Fatal(err)
		}
		unread, err := unix.IoctlGetInt(int(near.Fd()), unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		full := unread > 1024 && unread == before
		before = unread
		return full
	})
	target.goOn()
	await(t, "the requests", func() bool { return s.requests.Load() == requests })
	var drawn bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(&drawn, near) }) // it ends with EIO, when top has closed its end
	if _, err := io.WriteString(near, "q"); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	reading.Wait()
	want := regexp.MustCompile(fmt.Sprintf(`saw 1 process, 1 connection, %d exchanges and \d+ frames in .*; lost nothing`, requests))
	if err != nil || !want.Match(drawn.Bytes()) {
		t.Errorf("%v, at the end\n%s", err, indent(drawn.String()))
	}
}

// openTerminal returns both ends of a large terminal; programs run on the far one.
func openTerminal(t testing.TB) (near, far *os.File) {
	t.Helper()
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	fd := int(near.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 60, Col: 200}); err != nil {
		t.Fatal(err)
	}
	if far, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return near, far
}
