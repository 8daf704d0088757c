package e2e

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/scripts/goreleases"
)

// setupClient opens two connections, of which the second may resume the session of
// the first. It writes the reports of net/http/httptrace and crypto/tls to the file
// of its second argument. A third is the newest version of TLS that it speaks. After it has
// verified a certificate, it takes a while. It is written for Go 1.18.
const setupClient = `package main

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptrace"
	"os"
	"strconv"
	"time"
)

type setup struct {
	DNS, Connect, TLS  float64
	Verify             float64
	Version            uint16
	CipherName         string
	ALPN, SNI          string
	Resumed            bool
}

func main() {
	f, err := os.Create(os.Args[2])
	check(err)
	out := json.NewEncoder(f)
	cache := tls.NewLRUClientSessionCache(1)
	newest, err := strconv.ParseUint(os.Args[3], 0, 16)
	check(err)
	for i := 0; i < 2; i++ {
		config := &tls.Config{ClientSessionCache: cache, MaxVersion: uint16(newest)}
		tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: config}
		s := &setup{}
		config.VerifyConnection = func(tls.ConnectionState) error {
			began := time.Now()
			time.Sleep(30 * time.Millisecond)
			s.Verify = time.Since(began).Seconds() * 1e3
			return nil
		}
		get(tr, os.Args[1], s)
		tr.CloseIdleConnections()
		check(out.Encode(s))
	}
}

func get(tr *http.Transport, url string, s *setup) {
	var began time.Time
	begin := func() { began = time.Now() }
	end := func(ms *float64) { *ms = time.Since(began).Seconds() * 1e3 }
	trace := &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { begin() },
		DNSDone:           func(httptrace.DNSDoneInfo) { end(&s.DNS) },
		ConnectStart:      func(_, _ string) { begin() },
		ConnectDone:       func(_, _ string, _ error) { end(&s.Connect) },
		TLSHandshakeStart: begin,
		TLSHandshakeDone: func(state tls.ConnectionState, _ error) {
			end(&s.TLS)
			s.Version, s.CipherName = state.Version, tls.CipherSuiteName(state.CipherSuite)
			s.ALPN, s.SNI, s.Resumed = state.NegotiatedProtocol, state.ServerName, state.DidResume
		},
	}
	req, err := http.NewRequest("GET", url, nil)
	check(err)
	resp, err := tr.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	check(err)
	_, err = io.Copy(io.Discard, resp.Body)
	check(err)
	resp.Body.Close()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`

// setup holds the times and the negotiated parameters of one connection.
type setup struct {
	DNS, Connect, TLS float64
	Verify            float64 // in the callback of the client
	Version           uint16
	CipherName        string
	ALPN, SNI         string
	Resumed           bool
}

// connEvent holds the fields of a conn event about the setup of its connection.
type connEvent struct {
	Action  string   `json:"action"`
	Name    string   `json:"name"`
	DNS     *float64 `json:"dns_ms"`
	Connect *float64 `json:"connect_ms"`
	TLS     *float64 `json:"tls_ms"`
	Agreed  *struct {
		Version, ALPN, SNI, Cipher string
		Resumed                    bool
		Verify                     *float64 `json:"verify_ms"`
		Offered                    []string `json:"offered_alpn"`
		Versions                   []string `json:"offered_versions"`
	} `json:"tls"`
	Type  string `json:"type"`
	RCode string `json:"rcode"`
}

// TestSetup compares the setup of connections with the reports of clients of several
// releases and both versions of TLS, and the queries for names with the log of the resolver.
func TestSetup(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	origin := modproxy.Start(t, a, modproxy.Modules("example.test/small", 1, 2000), modproxy.Options{})
	for _, version := range append([]string{runtime.Version()}, goreleases.Few...) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			client := filepath.Join(t.TempDir(), "client")
			toolchain(t, version)
			buildClient(t, setupClient, version, client, false, nil)
			compareSetups(t, a, origin, client, tls.VersionTLS13)
			if version == runtime.Version() {
				compareSetups(t, a, origin, client, tls.VersionTLS12)
			}
		})
	}
}

// The minimum time of the link and its ends, in milliseconds.
const (
	setupRTT, setupDNS, setupTLS = 10, 30, 20
)

// compareSetups runs the client once. Its measurement spans the packets, and is the
// upper bound of each time; the time of the link is the lower one.
func compareSetups(t *testing.T, a *modproxy.Authority, origin *modproxy.Server, client string, newest uint16) {
	t.Helper()
	dir := t.TempDir()
	said, queries := filepath.Join(dir, "said"), filepath.Join(dir, "queries")
	ms := func(n int) string { return strconv.Itoa(n) + "ms" }
	flags := []string{
		"-origin", origin.URL, "-delay", ms(setupRTT), "-dns-delay", ms(setupDNS), "-tls-delay", ms(setupTLS), "-dns-log", queries,
	}
	events := runDegraded(t, flags, dir, peerEnv(a), false, client, "https://goproxy.example/example.test/small/m000/@v/list", said, strconv.Itoa(int(newest)))
	want := readJSON[setup](t, said)
	opened, asked := readConns(t, events)
	exchanges := readExchanges(t, events)
	if len(want) != 2 || len(opened) != 2 || len(exchanges) != 2 {
		t.Fatalf("got %d connections, %d exchanges, want %d", len(opened), len(exchanges), len(want))
	}
	if !want[1].Resumed {
		t.Error("the second connection did not resume the session")
	}
	for i := range want {
		w, g, x := &want[i], &opened[i], &exchanges[i]
		if g.Agreed == nil || g.DNS == nil || g.Connect == nil || g.TLS == nil {
			t.Fatalf("connection %d: got %+v", i, g)
		}
		if v := g.Agreed; w.Version != newest || v.Version != tls.VersionName(w.Version) || v.ALPN != w.ALPN || v.Cipher != w.CipherName ||
			v.SNI != "goproxy.example" || v.Resumed != w.Resumed || (v.Verify == nil) != (w.Resumed || !ofPackets()) || g.Name != v.SNI {
			t.Errorf("connection %d: got %+v named %s, want %+v", i, *v, g.Name, *w)
		}
		if v := g.Agreed; !slices.Equal(v.Offered, []string{"h2", "http/1.1"}) || len(v.Versions) == 0 || v.Versions[0] != tls.VersionName(newest) {
			t.Errorf("connection %d: offered %q, %q", i, v.Offered, v.Versions)
		}
		var b bounds
		b.check("dns", g.DNS, (setupRTT+setupDNS)*1e6, int64(w.DNS*1e6))
		b.check("connect", g.Connect, setupRTT*1e6, int64(w.Connect*1e6))
		b.check("tls", g.TLS, (setupRTT+setupTLS)*1e6, int64(w.TLS*1e6))
		if g.Agreed.Verify != nil {
			b.check("verify", g.Agreed.Verify, int64(w.Verify*1e6), int64(*g.TLS*1e6))
		}
		for _, fault := range b.faults {
			t.Errorf("connection %d: %s", i, fault)
		}
		if *g.DNS != *x.DNS || *g.Connect != *x.Connect || *g.TLS != *x.TLS {
			t.Errorf("connection %d: got %+v, the exchange that opened it has %+v", i, g, x)
		}
	}
	checkQueries(t, asked, queries)
}

// checkQueries compares dns events with the log of the resolver.
func checkQueries(t *testing.T, asked []connEvent, log string) {
	t.Helper()
	type query struct{ Name, Type, RCode string }
	var got []query
	for _, e := range asked {
		got = append(got, query{e.Name, e.Type, e.RCode})
	}
	want := readJSON[query](t, log)
	byName := func(a, b query) int { return slices.Compare([]string{a.Name, a.Type}, []string{b.Name, b.Type}) }
	slices.SortFunc(got, byName)
	slices.SortFunc(want, byName)
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("queries (-resolver +events):\n%s", diff)
	}
}

// readConns returns the conn events that open connections, and those to name servers.
func readConns(t *testing.T, file string) (opened, asked []connEvent) {
	t.Helper()
	s := streamOf(t, file)
	for _, e := range s.Of("conn") {
		var c connEvent
		if err := json.Unmarshal([]byte(e.Raw), &c); err != nil {
			t.Fatal(err)
		}
		switch c.Action {
		case "open":
			opened = append(opened, c)
		case "dns":
			asked = append(asked, c)
		}
	}
	return opened, asked
}

// readJSON reads a file of JSON Lines.
func readJSON[T any](t *testing.T, file string) (list []T) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var v T
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}
