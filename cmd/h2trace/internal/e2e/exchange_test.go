package e2e

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"h2trace/cmd/h2trace/internal/contract"
	"h2trace/cmd/h2trace/internal/modproxy"
)

// timing is what h2client writes with -timings.
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
	Wrote        int64  `json:"wrote"`
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

// begin is when the client began with a request: with its connection, if it
// made that for it.
func (m *timing) begin() int64 {
	for _, at := range []int64{m.DNSStart, m.ConnectStart, m.TLSStart} {
		if at != 0 {
			return at
		}
	}
	return m.GotConn
}

// TestExchanges holds exchanges against what the client itself measured, with
// net/http/httptrace: the same requests in the same order, with the same status
// and size, and with times of which at least 95 in 100 are within 2 ms.
func TestExchanges(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	const all = "get,post,trailers,headers,get,post"
	for name, p := range map[string]speaker{
		"net": {impl: "net", proto: "h2", scenarios: all},
		"x":   {impl: "x", proto: "h2", scenarios: all},
		// The server echoes a body while it reads it, which HTTP/1.1 does not do.
		"http/1.1": {impl: "net", proto: "http/1.1", scenarios: "get,headers,get,headers", env: []string{"GODEBUG=http2client=0"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startServer(t, serverArgs(t, a, "-impl", p.impl), peerEnv(a))
			close, of := 0, 1
			// Another program may take the processor from the client between a
			// byte and the call that tells of it.
			for range 3 {
				if close, of = compareTimings(t, a, srv.addr, p); close*100 >= of*95 {
					break
				}
				t.Logf("%d of %d times are within 2 ms", close, of)
			}
			if close*100 < of*95 {
				t.Errorf("%d of %d times are within 2 ms, want 95 in 100", close, of)
			}
			srv.stop()
		})
	}
}

// speaker is how h2client speaks.
type speaker struct {
	impl, proto, scenarios string
	env                    []string
}

func compareTimings(t *testing.T, a *modproxy.Authority, addr string, p speaker) (close, of int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "timings")
	r := startTracing(t, command{
		args: clientArgs(t, addr, "-impl", p.impl, "-scenario", p.scenarios, "-timings", file),
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
		sent := max(w.Wrote, w.GotConn)
		for _, phase := range []struct {
			got  *float64
			want int64
		}{
			{g.Send, sent - w.GotConn},
			{g.Wait, max(0, w.FirstByte-sent)},
			{g.Receive, w.End - w.FirstByte},
			{g.Total, w.End - w.begin()},
			{g.Connect, w.ConnectDone - w.ConnectStart},
			{g.TLS, w.TLSDone - w.TLSStart},
		} {
			of++
			if phase.got != nil && math.Abs(*phase.got-float64(phase.want)/1e6) <= 2 {
				close++
			}
		}
	}
	checkSummed(t, r.stream, got)
	return close, of
}

// checkSummed holds the phases of exchanges against their totals, and the
// summary against their number.
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

// readExchanges reads the exchanges of a file of events.
func readExchanges(t *testing.T, file string) []contract.Exchange {
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
	list, err := s.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	return list
}
