package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// timing is a line that h2client writes with -timings.
type timing struct {
	Method       string `json:"method"`
	URL          string `json:"url"`
	Reused       bool   `json:"reused"`
	DNSStart     int64  `json:"dns_start"`
	DNSDone      int64  `json:"dns_done"`
	ConnectStart int64  `json:"connect_start"`
	ConnectDone  int64  `json:"connect_done"`
	TLSStart     int64  `json:"tls_start"`
	TLSDone      int64  `json:"tls_done"`
	GotConn      int64  `json:"got_conn"`
	Got          int64  `json:"got"`
	Began        int64  `json:"began"`
	FirstByte    int64  `json:"first_byte"`
	End          int64  `json:"end"`
	Bytes        int64  `json:"bytes"`
	Status       int    `json:"status"`
}

func readTimings(t *testing.T, file string) []timing {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []timing
	for s := bufio.NewScanner(f); s.Scan(); {
		var m timing
		if err := json.Unmarshal(s.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	slices.SortStableFunc(list, func(a, b timing) int { return int(a.GotConn - b.GotConn) })
	return list
}

// exchangePause is how late the server of TestExchanges begins each response, and how
// late it ends it.
const exchangePause = 15 * time.Millisecond

// TestExchanges compares exchanges with the measurements of client and server: the
// same requests in the same order, with the same status and size, and with times
// between the measured ones.
func TestExchanges(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	const all = "get,post,trailers,headers,get,post"
	for name, p := range map[string]speaker{
		"net":      {impl: "net", proto: "h2", scenarios: all},
		"x":        {impl: "x", proto: "h2", scenarios: all},
		"http/1.1": {impl: "net", proto: "http/1.1", scenarios: all, env: []string{"GODEBUG=http2client=0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, serverArgs(t, a, "-impl", p.impl), peerEnv(a))
			compareTimings(t, a, srv.addr, p)
			srv.stop()
		})
	}
}

// speaker is the protocol stack of h2client.
type speaker struct {
	impl, proto, scenarios string
	env                    []string
}

func compareTimings(t *testing.T, a *modproxy.Authority, addr string, p speaker) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "timings")
	r := startTracing(t, command{
		args: clientArgs(t, addr, "-impl", p.impl, "-scenario", p.scenarios, "-timings", file, "-pause", exchangePause.String()),
		env:  append(peerEnv(a), p.env...),
	}).wait()
	if r.status != 0 {
		t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	want := readTimings(t, file)
	got, err := r.stream.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 || len(got) != len(want) {
		t.Fatalf("got %d exchanges, want %d", len(got), len(want))
	}
	for i := range want {
		w, g := &want[i], &got[i]
		if g.Method != w.Method || g.URL != w.URL || g.Status != w.Status || g.Protocol != p.proto || g.ResponseBytes == nil || *g.ResponseBytes != w.Bytes {
			t.Fatalf("exchange %d: got %+v, want %+v", i, g, w)
		}
		if g.Reused == nil || p.impl == "net" && *g.Reused != w.Reused || g.Error != nil {
			t.Errorf("exchange %d: reused %v, error %v, want reused %v", i, g.Reused, g.Error, w.Reused)
		}
		for _, fault := range w.faults(g) {
			t.Errorf("exchange %d, %s %s: %s", i, g.Method, g.URL, fault)
		}
	}
	checkSummed(t, r.stream, got)
}

// faults compares the times of an exchange with bounds that no scheduler moves: the
// client has its connection before it sends, the server has the whole request before
// it pauses, and so on.
func (m *timing) faults(g *contract.Exchange) []string {
	const pause = int64(exchangePause)
	var b bounds
	b.check("send", g.Send, 0, m.Got-m.GotConn)
	b.check("wait", g.Wait, max(pause, m.Began-m.Got), m.FirstByte-m.GotConn)
	b.check("receive", g.Receive, max(0, m.Began+pause-m.FirstByte), m.End-m.Began)
	transfer := g.Total
	if transfer != nil && g.Connect != nil && g.TLS != nil {
		transfer = new(*g.Total - *g.Connect - *g.TLS)
	}
	b.check("total without setup", transfer, 2*pause, m.End-m.GotConn)
	if m.ConnectDone != 0 || m.Reused {
		b.check("connect", g.Connect, 0, m.ConnectDone-m.ConnectStart)
		b.check("tls", g.TLS, 0, m.TLSDone-m.TLSStart)
	}
	return b.faults
}

// bounds collects the times outside their bounds.
type bounds struct{ faults []string }

// check compares milliseconds with bounds in nanoseconds.
func (b *bounds) check(name string, ms *float64, least, most int64) {
	const rounded = 0.002 // to three decimals, and sums of such
	lo, hi := float64(least)/1e6, float64(most)/1e6
	if ms == nil {
		b.faults = append(b.faults, fmt.Sprintf("%s is null, want %.3f to %.3f ms", name, lo, hi))
	} else if *ms < lo-rounded || *ms > hi+rounded {
		b.faults = append(b.faults, fmt.Sprintf("%s took %.3f ms, want %.3f to %.3f", name, *ms, lo, hi))
	}
}

// checkSummed compares the phases of exchanges with their totals, and the summary
// with their number.
func checkSummed(t *testing.T, s *contract.Stream, list []contract.Exchange) {
	t.Helper()
	for i := range list {
		e := &list[i]
		if e.Send == nil || e.Wait == nil || e.Receive == nil || e.Total == nil || e.Start == nil {
			t.Errorf("a complete exchange with an unknown phase: %+v", e)
			continue
		}
		got := e.TS.Sub(*e.Start).Seconds() * 1e3
		for _, setup := range []*float64{e.DNS, e.Connect, e.TLS} {
			if setup != nil {
				got += *setup
			}
		}
		if math.Abs(got-*e.Total) > 0.002 {
			t.Errorf("exchange of %.3f ms took %.3f ms in all", got, *e.Total)
		}
	}
	if n := s.Summary.Exchanges; n == nil || int(*n) != len(list) {
		t.Errorf("summary has %v exchanges, want %d", n, len(list))
	}
}

// streamOf reads a file of events, which must keep the contract.
func streamOf(t *testing.T, file string) *contract.Stream {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := contract.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readExchanges reads the exchanges of a file of events.
func readExchanges(t *testing.T, file string) []contract.Exchange {
	t.Helper()
	s := streamOf(t, file)
	list, err := s.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	return list
}
