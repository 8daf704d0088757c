package e2e

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/http2debug"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
)

// proxied is an exchange in the log of a test's server.
type proxied struct {
	Path   string
	Status int
	Bytes  int64
}

// TestHTTP1Modules downloads modules through proxies that speak HTTP/1.1, and
// compares the exchanges with their logs. Without TLS most of the large bodies are not
// copied.
func TestHTTP1Modules(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := append(modproxy.Modules("example.test/small", 20, 200), modproxy.Modules("example.test/large", 2, 6<<20)...)
	for name, plain := range map[string]bool{"without TLS": true, "with TLS": false} {
		t.Run(name, func(t *testing.T) {
			empty := modproxy.Start(t, a, nil, modproxy.Options{Plain: plain})
			full := modproxy.Start(t, a, mods, modproxy.Options{Plain: plain, Pause: 200 * time.Millisecond})
			w := modproxy.NewWorkspace(t, a, mods, empty, full)
			env := append(w.Env[:len(w.Env):len(w.Env)], "GODEBUG=http2client=0")
			r := startTracing(t, command{args: []string{"go", "mod", "download"}, dir: w.Dir, env: env}).wait()
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
			}
			checkHTTP1(t, r, empty, full)
			if plain {
				checkPlainConns(t, r.stream, "http/1.1")
			}
			// During its pause the kernel is told to skip the body, unless it is encrypted.
			if seen, captured := bytesOf(t, r.stream); seen < 12<<20 || captured > seen*2/3 && plain || captured < seen && !plain && !ofPackets() {
				t.Errorf("%d of %d bytes were captured", captured, seen)
			}
		})
	}
}

// checkHTTP1 compares the exchanges with the logs of the servers.
func checkHTTP1(t *testing.T, r *result, servers ...*modproxy.Server) {
	t.Helper()
	got, want := make(map[proxied]int), make(map[proxied]int)
	exchanges, err := r.stream.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range exchanges {
		u, err := url.Parse(x.URL)
		if err != nil || x.Protocol != "http/1.1" || x.Module == nil || x.ResponseBytes == nil {
			t.Fatalf("got %+v", x)
		}
		got[proxied{u.Path, x.Status, *x.ResponseBytes}]++
	}
	for _, s := range servers {
		for _, q := range s.Requests() {
			want[proxied{q.Path, q.Status, q.Bytes}]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("exchanges (-proxy +trace):\n%s", diff)
	}
	wantSound(t, r.stream)
}

// checkPlainConns requires that connections are complete, and have no TLS.
func checkPlainConns(t *testing.T, s *contract.Stream, protocol string) {
	t.Helper()
	conns := s.Conns()
	if len(conns) == 0 {
		t.Error("no connections")
	}
	for _, c := range conns {
		if c.Open == nil || c.Open.Protocol != protocol || c.Open.Joined != "start" || len(c.Loss) > 0 {
			t.Errorf("%s: opened by %+v", c.ID, c.Open)
		}
	}
}

// plainScenarios are scenarios of HTTP/2 without TLS in every direction.
var plainScenarios = []scenario{
	{
		name: "bodies, headers, streams", client: []string{"-scenario", "get,post,trailers,headers,streams", "-window", "4096"},
		frames: []string{"DATA", "SETTINGS", "WINDOW_UPDATE", "CONTINUATION"},
	},
	{name: "resets", client: []string{"-scenario", "reset,abort"}, frames: []string{"RST_STREAM"}},
	bulk,
}

// bulk has much DATA in both directions.
var bulk = scenario{name: "bulk", client: []string{"-scenario", "bulk,headers"}, frames: []string{"DATA", "WINDOW_UPDATE"}}

// TestPlainHTTP2 compares HTTP/2 with prior knowledge (RFC 9113 §3.3) with the log of
// the client, and of the server.
func TestPlainHTTP2(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	env := debugEnv(peerEnv(a))
	server := []string{bin(t, "h2server"), "-plain"}
	client := func(addr string, s scenario, impl string) []string {
		return append([]string{bin(t, "h2client"), "-plain", "-impl", impl, "-url", "http://" + addr, "-timeout", patience.String()}, s.client...)
	}
	for _, s := range plainScenarios {
		for _, impl := range []string{"net", "x"} {
			t.Run("client/"+impl+"/"+s.name, func(t *testing.T) {
				srv := startServer(t, server, peerEnv(a))
				r := startTracing(t, command{args: client(srv.addr, s, impl), env: env}).wait()
				checkPlain(t, r, s, "client", srv.addr)
			})
		}
		t.Run("server/"+s.name, func(t *testing.T) {
			tr := startTracing(t, command{args: server, env: env})
			addr := tr.line()
			run(t, client(addr, s, "net"), peerEnv(a))
			checkPlain(t, tr.wait(), s, "server", addr)
		})
	}
}

func checkPlain(t *testing.T, r *result, s scenario, role, addr string) {
	t.Helper()
	if r.status != 0 {
		t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	pairs := verify(t, r, oracle.Options{Tail: true})
	checkShown(t, pairs, s)
	checkRole(t, pairs, role, addr)
	checkPlainConns(t, r.stream, "h2c")
}

// bytesOf returns how many bytes were seen, and how many captured.
func bytesOf(t *testing.T, s *contract.Stream) (seen, captured int64) {
	t.Helper()
	var sum struct {
		Bytes struct{ Seen, Captured int64 }
	}
	if err := json.Unmarshal([]byte(s.Summary.Raw), &sum); err != nil {
		t.Fatal(err)
	}
	return sum.Bytes.Seen, sum.Bytes.Captured
}

// TestPlainAttach attaches to a server that already listens.
func TestPlainAttach(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	srv := startServer(t, []string{bin(t, "h2server"), "-plain"}, peerEnv(a))
	tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(srv.pid)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	run(t, []string{bin(t, "h2client"), "-plain", "-url", "http://" + srv.addr}, peerEnv(a))
	srv.stop()
	r := tr.wait()
	if r.status != 0 {
		t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	checkPlainConns(t, r.stream, "h2c")
	wantSound(t, r.stream)
	exchanges, err := r.stream.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range exchanges {
		if x.Status != 200 || x.Error != nil {
			t.Errorf("got %+v", x)
		}
	}
	if len(exchanges) == 0 {
		t.Error("no exchanges")
	}
}

// TestPlainLoss downloads modules over a link that loses packets: the process gets
// all bytes, in order, and so does the trace.
func TestPlainLoss(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := append(modproxy.Modules("example.test/small", 6, 2000), modproxy.Modules("example.test/large", 1, 1<<20)...)
	origin := modproxy.Start(t, a, mods, modproxy.Options{})
	w := modproxy.NewWorkspace(t, a, mods, origin)
	log := filepath.Join(t.TempDir(), "requests")
	events := runDegraded(t, []string{"-plain", "-origin", origin.URL, "-log", log, "-loss", "5", "-loss-after", "20", "-delay", "10ms"},
		w.Dir, w.Env, false, "go", "mod", "download")
	checkLogged(t, events, log)
	s := streamOf(t, events)
	checkPlainConns(t, s, "http/1.1")
	checkDisorder(t, s)
}

// checkDisorder requires that segments came out of order.
func checkDisorder(t *testing.T, s *contract.Stream) {
	t.Helper()
	outOfOrder := 0
	for _, e := range s.Of("conn") {
		var c struct {
			OutOfOrder int `json:"out_of_order"`
		}
		if err := json.Unmarshal([]byte(e.Raw), &c); err != nil {
			t.Fatal(err)
		}
		outOfOrder += c.OutOfOrder
	}
	if outOfOrder == 0 {
		t.Error("no segment came out of order: this line lost nothing")
	}
}

// TestPlainHTTP2Loss compares HTTP/2 over a link that loses packets with the log of
// the client: late bytes are put in order.
func TestPlainHTTP2Loss(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	srv := startServer(t, []string{bin(t, "h2server"), "-plain"}, peerEnv(a))
	dir := t.TempDir()
	log := filepath.Join(dir, "stderr")
	client := bin(t, "h2client") + " -plain -scenario bulk,headers -url http://goproxy.example 2>" + log
	events := runDegraded(t, []string{"-plain", "-origin", "http://" + srv.addr, "-loss", "2", "-loss-after", "30", "-delay", "2ms"},
		dir, debugEnv(peerEnv(a)), false, "sh", "-c", client)
	r := readResult(t, events, log)
	verify(t, r, oracle.Options{Tail: true})
	checkPlainConns(t, r.stream, "h2c")
	checkDisorder(t, r.stream)
}

// readResult reads the files of a run.
func readResult(t *testing.T, events, log string) *result {
	t.Helper()
	r := &result{}
	f, err := os.Open(events)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if r.stream, err = contract.Read(f); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	r.stderr = string(text)
	if r.log, err = http2debug.Parse(bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPlainPartial stops h2trace while the smallest buffer fills, then continues it:
// no printed value of HTTP/2 without TLS is wrong.
func TestPlainPartial(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	srv := startServer(t, []string{bin(t, "h2server"), "-plain"}, peerEnv(a))
	tr := startTracing(t, command{
		flags: []string{"--buffer", "64KiB"},
		args:  []string{bin(t, "h2client"), "-plain", "-url", "http://" + srv.addr, "-repeat", "-scenario", "bulk,headers"}, env: debugEnv(peerEnv(a)),
	})
	lose(t, tr)
	r := tr.wait()
	if r.status != 0 {
		t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	if err := checkSummary(r.stream); err != nil {
		t.Fatal(err)
	}
	checkLossLines(t, r.stream)
	log := r.log.Conns[0]
	p := &oracle.Partial{Trace: r.stream.Conns()[0], Log: log, Headers: http2debug.Attribute(r.log.Events, log)}
	lost := 0
	for _, m := range checkPartial(t, p) {
		lost += m.Within
	}
	if lost == 0 {
		t.Error("no frame is missing")
	}
}
