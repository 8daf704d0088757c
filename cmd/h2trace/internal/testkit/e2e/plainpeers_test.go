package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/nghttp"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
)

// needPrograms skips a test where third-party programs are missing.
func needPrograms(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err.Error())
		}
	}
}

// TestPlainClients has third-party clients talk to a Go server without TLS, and
// compares the trace with their output.
func TestPlainClients(t *testing.T) {
	needProbes(t)
	needPrograms(t, "nghttp", "curl")
	env := peerEnv(modproxy.NewAuthority(t))
	body := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(body, bytes.Repeat([]byte("0123456789"), 3000), 0o600); err != nil {
		t.Fatal(err)
	}
	tr := startTracing(t, command{args: []string{bin(t, "h2server"), "-plain", "-impl", "x"}, env: debugEnv(env)})
	base := "http://" + tr.line()
	size, echo, headers := base+"/size?n=160000", base+"/echo", base+"/headers?n=3"
	nghttps := map[string][]string{
		"prior knowledge": {"-nv", "-H", "x-long: " + strings.Repeat("long", 500), size, echo, headers, "-d", body},
		"upgrade":         {"-nvu", size, headers},
	}
	curls := map[string][]string{
		"2 upgrade":         {"--http2", size, headers},
		"2 upgrade of POST": {"--http2", "--data-binary", "@" + body, echo, echo},
		"2 prior knowledge": {"--http2-prior-knowledge", size},
		"1.1 kept alive":    {"--http1.1", base + "/size?n=320", base + "/size?n=640"},
	}
	logs, transfers := make(map[string]*nghttp.Conn), make(map[string][]transfer)
	for name, args := range nghttps {
		conns, err := nghttp.Parse(strings.NewReader(run(t, append([]string{"nghttp"}, args...), env)))
		if err != nil || len(conns) != 1 {
			t.Fatalf("nghttp has had %d connections: %v", len(conns), err)
		}
		logs[name] = conns[0]
	}
	for name, args := range curls {
		transfers[name] = curl(t, args, env)
	}
	r := tr.good()
	wantSound(t, r.stream)
	exchanges, err := r.stream.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	left := r.stream.Conns()
	for name, list := range transfers {
		t.Run("curl/HTTP "+name, func(t *testing.T) {
			i := slices.IndexFunc(left, func(c *contract.Conn) bool { return c.Open.Remote == list[0].local() })
			if i < 0 {
				t.Fatalf("no connection from %s", list[0].local())
			}
			checkCurl(t, left[i], exchanges, list)
			left = slices.Delete(left, i, i+1)
		})
	}
	for name, log := range logs {
		t.Run("nghttp/"+name, func(t *testing.T) {
			i := slices.IndexFunc(left, func(c *contract.Conn) bool { return isUpgraded(c) == (name == "upgrade") })
			if i < 0 {
				t.Fatal("no such connection")
			}
			checkNghttp(t, left[i], log)
			left = slices.Delete(left, i, i+1)
		})
	}
	for _, c := range left {
		t.Errorf("nobody has had %s: %s", c.ID, c.Open.Raw)
	}
}

func isUpgraded(c *contract.Conn) bool { return c.Open.Protocol == "http/1.1" }

// TestPlainServer has Go clients talk to a third-party server without TLS, and
// compares the trace with the logs of both.
func TestPlainServer(t *testing.T) {
	needProbes(t)
	needPrograms(t, "nghttpd")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), bytes.Repeat([]byte("<p>"), 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	log, port := filepath.Join(dir, "log"), freePort(t)
	startNghttpd(t, log, port, "--echo-upload", "--htdocs="+dir)
	impls := []string{"net", "x"}
	var traced []*contract.Conn
	for _, impl := range impls {
		args := []string{bin(t, "h2client"), "-plain", "-impl", impl, "-url", "http://127.0.0.1:" + port, "-scenario", "once,upload,once", "-window", "65536"}
		r := startTracing(t, command{args: args, env: debugEnv(peerEnv(modproxy.NewAuthority(t)))}).good()
		verify(t, r, oracle.Options{Tail: true})
		checkPlainConns(t, r.stream, "h2c")
		traced = append(traced, r.stream.Conns()...)
	}
	await(t, "nghttpd to see them leave", func() bool { return lines(log, "] closed\n") == len(impls) })
	said, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	logs, err := nghttp.Parse(said)
	if err != nil || len(logs) != len(traced) {
		t.Fatalf("nghttpd has had %d connections, want %d: %v", len(logs), len(traced), err)
	}
	for i, log := range logs {
		checkNghttp(t, traced[i], log)
	}
}
