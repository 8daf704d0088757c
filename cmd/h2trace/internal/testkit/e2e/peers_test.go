package e2e

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// peerEnv is the environment in which h2client trusts a.
func peerEnv(a *modproxy.Authority) []string {
	return append(os.Environ(), "SSL_CERT_FILE="+a.CertFile, "SSL_CERT_DIR="+a.EmptyDir, "GODEBUG=")
}

// serverArgs is an h2server with a certificate of a.
func serverArgs(t testing.TB, a *modproxy.Authority, flags ...string) []string {
	t.Helper()
	cert, key := a.ServerFiles(t)
	return append([]string{bin(t, "h2server"), "-cert", cert, "-key", key}, flags...)
}

// clientArgs is an h2client against the server at addr.
func clientArgs(t testing.TB, addr string, flags ...string) []string {
	t.Helper()
	return append([]string{bin(t, "h2client"), "-url", "https://" + addr, "-timeout", patience.String()}, flags...)
}

// server is an h2server that nobody observes, or that an attached h2trace does.
type server struct {
	addr string
	pid  int
	stop func() // ends it gracefully and waits
}

func startServer(t testing.TB, args, env []string) *server {
	t.Helper()
	return startLoggingServer(t, args, env, filepath.Join(t.TempDir(), "server.log"))
}

// startLoggingServer is startServer with stderr in a file.
func startLoggingServer(t testing.TB, args, env []string, logFile string) *server {
	t.Helper()
	s := &server{}
	stderr, err := os.Create(logFile)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Stderr = env, stderr
	stdin, stdout := child.Start(t, cmd)
	ended := false
	s.pid = cmd.Process.Pid
	s.stop = func() {
		t.Helper()
		if ended {
			return
		}
		ended = true
		_ = stdin.Close()
		kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		if err := cmd.Wait(); err != nil {
			log, _ := os.ReadFile(logFile)
			t.Errorf("h2server: %v\n%s", err, indent(messagesOf(string(log))))
		}
	}
	t.Cleanup(s.stop)
	s.addr = firstLine(t, stdout)
	return s
}

// firstLine reads one line, byte by byte so that the rest stays unread.
func firstLine(t testing.TB, r io.Reader) string {
	t.Helper()
	var b strings.Builder
	for c := make([]byte, 1); ; {
		if _, err := io.ReadFull(r, c); err != nil {
			t.Fatalf("reading a line: %v after %q", err, b.String())
		}
		if c[0] == '\n' {
			return b.String()
		}
		b.WriteByte(c[0])
	}
}

// run runs a program to its end, which must be successful.
func run(t testing.TB, args, env []string) (stdout string) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", args[0], err, indent(errs.String()))
	}
	return out.String()
}
