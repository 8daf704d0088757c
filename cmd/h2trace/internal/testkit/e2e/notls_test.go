package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestNoTLS has programs without crypto/tls that speak HTTP: Go programs without
// probes, run and attached to, and one of another language.
func TestNoTLS(t *testing.T) {
	needProbes(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }))
	t.Cleanup(srv.Close)
	addr := strings.TrimPrefix(srv.URL, "http://")
	check := func(t *testing.T, r *result, path string) {
		t.Helper()
		if strings.Contains(r.stderr, "nothing could be observed") {
			t.Errorf("stderr: %s", r.stderr)
		}
		list, err := r.stream.Exchanges()
		if err != nil || len(list) != 1 {
			t.Fatalf("got %d exchanges, %v; want 1", len(list), err)
		}
		if x := list[0]; x.URL != srv.URL+path || x.Status != 200 || x.ResponseBytes == nil || *x.ResponseBytes != int64(len(path)) {
			t.Errorf("got %+v, want %s", x, path)
		}
	}
	t.Run("run", func(t *testing.T) {
		r := startTracing(t, command{args: []string{"sh", "-c", "echo run | " + speak.path(t) + " " + addr}}).wait()
		check(t, r, "/run")
		if list := processEvents(r.stream, "attached"); len(list) != 1 || !strings.Contains(list[0].Raw, `"plan":{"packets":"cgroup_skb"}`) {
			t.Errorf("attached: %v", rawOf(list))
		}
	})
	t.Run("attach", func(t *testing.T) {
		p := startProgram(t, speak, addr)
		tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(p.pid)}})
		tr.awaitEvent(`"action":"attached"`, 1)
		p.typeIn("attach")
		tr.awaitEvent(`"event":"exchange"`, 1)
		tr.signal(syscall.SIGINT)
		check(t, tr.good(), "/attach")
	})
	t.Run("another language", func(t *testing.T) {
		check(t, startTracing(t, command{args: []string{"curl", "-sS", srv.URL + "/curl"}}).wait(), "/curl")
	})
	t.Run("frames alone", func(t *testing.T) { // this plan watches no packets
		p := startProgram(t, speak, addr)
		r := invoke(t, invocation{args: []string{"-p", strconv.Itoa(p.pid)}, env: append(os.Environ(), testPlan("frames"))})
		r.wantRefusal(t, 1, strconv.Itoa(p.pid), "no crypto/tls")
	})
	t.Run("check", func(t *testing.T) {
		p := startProgram(t, speak, addr)
		r := invoke(t, invocation{args: []string{"check", "-p", strconv.Itoa(p.pid)}})
		if r.status != 0 || !strings.Contains(r.stdout, "ok  process "+strconv.Itoa(p.pid)) || !strings.Contains(r.stdout, "HTTP without TLS alone") {
			t.Errorf("status %d\n%s", r.status, indent(r.stdout))
		}
	})
}
