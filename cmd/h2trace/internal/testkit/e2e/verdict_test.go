package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// verdict holds the fields of h2trace report --json that tests read.
type verdict struct {
	Wall    float64            `json:"wall_ms"`
	Time    map[string]float64 `json:"time"`
	Verdict struct{ Cause, Text string }
	whole   string
}

// degraded is a download over a bad network or through a bad proxy.
type degraded struct {
	name  string
	flags []string // of degrade
	fails bool     // the command does
	cause string
	text  string // in the verdict
	mute  bool   // no request reaches the proxy
	sums  bool   // go.sum has the modules
}

// TestVerdict runs go mod download through a proxy that is bad in one way at a time,
// and expects h2trace to name it.
func TestVerdict(t *testing.T) {
	mods := append(modproxy.Modules("example.test/small", 6, 2000), modproxy.Modules("example.test/large", 1, 2<<20)...)
	var rows []situation
	for _, tt := range []degraded{
		{name: "healthy", cause: "healthy"},
		{name: "slow server", flags: []string{"-server-delay", "300ms"}, cause: "server_wait", text: "takes long to answer"},
		{name: "far away", flags: []string{"-delay", "200ms"}, cause: "server_wait", text: "far away"},
		{name: "bandwidth", flags: []string{"-rate", "8M"}, cause: "bandwidth", text: "delivers slowly"},
		{name: "packet loss", flags: []string{"-loss", "15", "-loss-after", "20", "-delay", "10ms"}, cause: "packet_loss", text: "packets are lost"},
		{name: "slow DNS", flags: []string{"-dns-delay", "1s"}, cause: "dns", text: "name resolution is slow"},
		{name: "slow handshake", flags: []string{"-tls-delay", "1s"}, cause: "tls", text: "TLS handshakes are slow"},
		{name: "503", flags: []string{"-status", "503"}, fails: true, cause: "errors", text: "http_5xx"},
		{name: "wrong checksum", flags: []string{"-corrupt-zip"}, fails: true, cause: "checksum", text: "go.sum is wrong or old", sums: true},
		{name: "resolver fails", flags: []string{"-dns-fail"}, fails: true, cause: "dns", text: "could not be resolved", mute: true},
		{name: "refused", flags: []string{"-refuse"}, fails: true, cause: "connect", text: "could not be made", mute: true},
		{name: "bad certificate", flags: []string{"-bad-certificate"}, fails: true, cause: "tls", text: "TLS handshakes with goproxy.example failed", mute: true},
		{name: "reset in the body", flags: []string{"-reset-after", "1000"}, fails: true, cause: "errors", text: "reset"},
	} {
		rows = append(rows, situation{
			name: tt.name, cause: tt.cause, text: []string{tt.text},
			run: func(t *testing.T, l *lab) string { return tt.run(t, l, mods) },
		})
	}
	checkSituations(t, rows)
}

// run also compares the exchanges with the log of the proxy.
func (d *degraded) run(t *testing.T, l *lab, mods []modproxy.Module) string {
	origin := modproxy.Start(t, l.authority, mods, modproxy.Options{})
	w := modproxy.NewWorkspace(t, l.authority, mods, origin)
	if d.sums {
		cmd := exec.Command("go", "mod", "download", "all") // it writes go.sum
		cmd.Dir, cmd.Env = w.Dir, append(w.Env[:len(w.Env):len(w.Env)], "GOMODCACHE="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go mod download: %v\n%s", err, out)
		}
	}
	log := filepath.Join(t.TempDir(), "requests")
	flags := append([]string{"-origin", origin.URL, "-log", log}, d.flags...)
	events := runDegraded(t, flags, w.Dir, w.Env, d.fails, "go", "mod", "download")
	if d.name == "bad certificate" {
		checkFailedOffer(t, events)
	}
	if !d.mute {
		checkLogged(t, events, log)
	}
	return events
}

// TestUnmadeVerdict has a client, no go command, that fails to connect: only its
// packets and its handshake show the failure.
func TestUnmadeVerdict(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	for _, tt := range []struct{ flag, cause, detail string }{
		{"-dns-fail", "dns", "SERVFAIL from "},
		{"-refuse", "connect", "ECONNREFUSED"},
		{"-bad-certificate", "tls", "certificate signed by unknown authority"},
	} {
		t.Run(tt.cause, func(t *testing.T) {
			client := []string{bin(t, "h2client"), "-url", "https://goproxy.example"}
			events := runDegraded(t, []string{"-origin", "https://goproxy.example", tt.flag}, t.TempDir(), peerEnv(a), true, client...)
			if v := checkVerdict(t, events, tt.cause, ""); !strings.Contains(v.whole, "goproxy.example") || !strings.Contains(v.whole, tt.detail) {
				t.Errorf("got %s, want evidence with %q", v.whole, tt.detail)
			}
		})
	}
}

// TestWindowVerdict downloads from far away with a window of a few kilobytes, the
// case of golang/go#17985.
func TestWindowVerdict(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	srv := startServer(t, serverArgs(t, a, "-impl", "net"), peerEnv(a))
	defer srv.stop()
	client := []string{bin(t, "h2client"), "-url", "https://goproxy.example", "-scenario", "get", "-window", "65536"}
	events := runDegraded(t, []string{"-origin", "https://" + srv.addr, "-delay", "55ms"}, t.TempDir(), peerEnv(a), false, client...)
	v := checkVerdict(t, events, "recv_window", "limited by the window that the process grants: 65536 bytes ÷ ")
	var rtt, rate float64
	_, sum, _ := strings.Cut(v.Verdict.Text, "÷ ")
	if _, err := fmt.Sscanf(sum, "%f ms = %f MB/s", &rtt, &rate); err != nil {
		t.Fatalf("%q: %v", v.Verdict.Text, err)
	}
	// A round trip takes 55 ms, plus the delays of the CPU.
	if want := 65536 / rtt / 1e3; rtt < 55 || rtt > 200 || math.Abs(rate-want) > 0.02 {
		t.Errorf("got %.1f ms and %.2f MB/s, want more than 55 ms, and %.2f MB/s", rtt, rate, want)
	}
	// 1 MB takes 16 windows, and the process waits a round trip after each. On a busy
	// machine the end of a window does not always show (see export/doc.go).
	if stall := v.Time["stall_ms"]; stall < 12*55 || stall > 18*1.3*rtt {
		t.Errorf("stalled for %.0f ms, want some 16 round trips of 55 ms; %s", stall, v.whole)
	}
}

// checkFailedOffer requires that the clients' offers are known although nothing was
// negotiated.
func checkFailedOffer(t *testing.T, events string) {
	t.Helper()
	raw, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	const want = `"tls":{"version":null,"alpn":null,"sni":"goproxy.example","resumed":null,"cipher":null,"verify_ms":null,` +
		`"offered_alpn":["h2","http/1.1"],"offered_versions":["TLS 1.3","TLS 1.2"]}`
	failed := 0
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, `"event":"conn"`) && strings.Contains(line, `"action":"failed"`) {
			if failed++; !strings.Contains(line, want) {
				t.Errorf("no offer in %s", line)
			}
		}
	}
	if failed == 0 {
		t.Error("no handshake failed")
	}
}

// runDegraded runs a command under h2trace with degrade in between. It returns the
// file with the events.
func runDegraded(t *testing.T, flags []string, dir string, env []string, fails bool, args ...string) string {
	t.Helper()
	events := filepath.Join(t.TempDir(), "events.jsonl")
	line := append(append([]string{}, flags...), "--", bin(t, "h2trace"), "--show-secrets", "--source", source(), "-o", events, "--")
	cmd := exec.Command(bin(t, "degrade"), append(line, args...)...)
	cmd.Dir, cmd.Env = dir, env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	giveUp := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer giveUp.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	want := 0
	if fails {
		want = 1
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Fatalf("exit status %d, want %d\n%s", got, want, indent(out.String()))
	}
	checkEventsFile(t, events)
	return events
}

// reported returns the output of h2trace report.
func reported(t *testing.T, events string) (v verdict) {
	t.Helper()
	cmd := exec.Command(bin(t, "h2trace"), "report", "--json", events)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatal(err)
	}
	v.whole = string(out)
	return v
}

func checkVerdict(t *testing.T, events, cause, text string) verdict {
	t.Helper()
	v := reported(t, events)
	if v.Verdict.Cause != cause || !strings.Contains(v.Verdict.Text, text) {
		t.Errorf("got %s: %s, want %s with %q\n%s", v.Verdict.Cause, v.Verdict.Text, cause, text, indent(v.whole))
	}
	sum := 0.0
	for _, ms := range v.Time {
		sum += ms
	}
	if sum-v.Wall > 0.01 || v.Wall-sum > 0.01 {
		t.Errorf("the phases come to %.3f ms of %.3f", sum, v.Wall)
	}
	return v
}

// checkLogged compares the exchanges with the log of the proxy: the same requests,
// with the same status and number of bytes. A response that was reset, or abandoned,
// may have arrived in part.
func checkLogged(t *testing.T, events, log string) {
	t.Helper()
	type served struct {
		Method, Path string
		Status       int
		Bytes        int64
	}
	want := map[string]int{}
	raw, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		var s served
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		want[s.Method+" "+s.Path+" "+strconv.Itoa(s.Status)+" "+strconv.FormatInt(s.Bytes, 10)]++
	}
	got, cut := map[string]int{}, 0
	for _, e := range readExchanges(t, events) {
		if e.ResponseBytes == nil || e.Silent != nil || e.Error != nil && (e.Error.Class == "reset" || e.Error.Class == "aborted") {
			cut++
			continue
		}
		_, where, _ := strings.Cut(e.URL, "://")
		_, path, _ := strings.Cut(where, "/")
		got[e.Method+" /"+path+" "+strconv.Itoa(e.Status)+" "+strconv.FormatInt(*e.ResponseBytes, 10)]++
	}
	for line, n := range got {
		// Of several alike, some may be cut.
		if missing := want[line] - n; missing < 0 || missing > cut {
			t.Errorf("%d × %s, and the proxy logged %d", n, line, want[line])
		}
	}
	if len(want) == 0 {
		t.Error("the proxy logged nothing")
	}
}
