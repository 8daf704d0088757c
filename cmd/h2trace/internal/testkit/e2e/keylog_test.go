package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestKeyLog holds the session secrets of a client against those that its server has, which
// nobody observes. With them, tshark and replay read the packets that dumpcap took: replay finds
// the frames and exchanges of the live run.
func TestKeyLog(t *testing.T) {
	t.Parallel()
	needProbes(t)
	a := modproxy.NewAuthority(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			var secrets shared
			addr := startEcho(t, "127.0.0.1:0", &tls.Config{
				Certificates: []tls.Certificate{a.Server(t)}, MaxVersion: version, KeyLogWriter: &secrets,
			})
			file := filepath.Join(t.TempDir(), "secrets")
			client := clientArgs(t, addr, "-impl", "net", "-scenario", "post")
			packets := captureLoopback(t, addr)
			r := invoke(t, invocation{args: append([]string{"--source", "wire", "--keylog", file}, client...), env: peerEnv(a)})
			if r.status != 0 || !strings.Contains(r.stderr, "h2trace: session secrets go to "+file+": who has it can decrypt") {
				t.Fatalf("exit status %d\n%s", r.status, indent(r.stderr))
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(file)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, mode %v, want 0600", err, info.Mode())
			}
			if diff := cmp.Diff(keyLogLines(secrets.String()), keyLogLines(string(got))); diff != "" || len(got) == 0 {
				t.Errorf("-server +h2trace:\n%s", diff)
			}
			captured := packets()
			const method = "http2.headers.method"
			sealed := []string{"-o", "tls.keylog_file:" + file, "-d", "tcp.port==0-65535,tls"}
			if requests := tsharkFields(t, captured, sealed, method, method); len(requests) == 0 || requests[0][0][0] != "POST" {
				t.Errorf("tshark decrypts %q", requests)
			}
			again := invoke(t, invocation{args: []string{"replay", "--keylog-file", file, captured}})
			if again.status != 0 || again.stderr != "" {
				t.Errorf("replay: exit status %d\n%s", again.status, indent(again.stderr))
			}
			if diff := cmp.Diff(spoken(t, r.stdout), spoken(t, again.stdout)); diff != "" {
				t.Errorf("-live +replayed:\n%s", diff)
			}
		})
	}
}

// startEcho starts a server of HTTP/2 that sends back what it gets, until the test ends.
func startEcho(t *testing.T, addr string, config *tls.Config) (listens string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body) // the client notices
	}))
	_ = server.Listener.Close()
	var err error
	if server.Listener, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	server.EnableHTTP2, server.TLS = true, config
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// spoken returns the frames of each direction and the exchanges of a run, without times, windows
// and processes: those of another place on the way differ.
func spoken(t *testing.T, events string) (lines []string) {
	t.Helper()
	for line := range strings.Lines(events) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		kind := e["event"]
		if kind != "frame" && kind != "exchange" {
			continue
		}
		for key := range e {
			if key == "ts" || key == "pid" || key == "comm" || key == "window" || key == "start" || strings.HasSuffix(key, "_ms") {
				delete(e, key)
			}
		}
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(kind, e["dir"], " ", string(b)))
	}
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(a[:len("frame<nil>")], b[:len("frame<nil>")]) })
	return lines
}

// keyLogLines returns the lines of a key log that open records, in order.
func keyLogLines(log string) (lines []string) {
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "EXPORTER_SECRET ") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

// captureLoopback has dumpcap write the packets of a server on the loopback device to a file.
// stop ends it and returns the file.
func captureLoopback(t *testing.T, addr string) (stop func() (file string)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "packets.pcapng")
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.CommandContext(t.Context(), "dumpcap", "-q", "-i", "lo", "-f", "tcp port "+port, "-w", file)
	var said shared
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "dumpcap", func() bool { return strings.Contains(said.String(), "File: ") })
	return func() string {
		await(t, "the packets of the end", func() bool { return size(file) > 0 && quiet(file) })
		_ = cmd.Process.Signal(os.Interrupt) // Wait says if it has ended
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, said.String())
		}
		return file
	}
}

// quiet reports whether a file has stopped to grow.
func quiet(file string) bool {
	before := size(file)
	time.Sleep(300 * time.Millisecond)
	return size(file) == before
}
