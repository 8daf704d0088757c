package e2e

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// viaExchange holds the fields of an exchange that concern HTTP proxies.
type viaExchange struct {
	Method, URL string
	Status      int
	Via         string
}

// TestViaAttach attaches to a process with an HTTP proxy in its environment, and with
// open connections to and through it; then it opens others.
func TestViaAttach(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	origin := modproxy.Start(t, a, nil, modproxy.Options{})
	for _, tt := range []struct {
		scheme, host string
		inner        *modproxy.Authority
		debug        string // GODEBUG
	}{
		{"http", "127.0.0.1", nil, ""},
		{"http", "localhost", nil, ""},
		{"https", "localhost", a, ""},
		{"https", "localhost", a, "http2client=0"},
	} {
		if ofPackets() && tt.scheme == "https" && tt.debug == "" {
			continue // blocks inside of TLS inside of TLS refer to earlier fields
		}
		t.Run(tt.scheme+" "+tt.host+" "+tt.debug, func(t *testing.T) {
			p := startRelay(t, tt.inner, origin.URL, 0)
			_, port, _ := net.SplitHostPort(p.addr)
			via := tt.scheme + "://" + net.JoinHostPort(tt.host, port)
			proxy := tt.scheme + "://user:hunter2@" + net.JoinHostPort(tt.host, port)
			env := append(peerEnv(a), "GODEBUG="+tt.debug, "HTTPS_PROXY="+proxy, "HTTP_PROXY="+proxy)
			target := startFile(t, fetch.path(t), env, "mute", "https://goproxy.example/one", "http://goproxy.example/one", "-",
				"https://goproxy.example/two", "https://goproxy.example:8443/three", "http://goproxy.example/four")
			tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(target.pid)}})
			tr.awaitEvent(`"action":"attached"`, 1)
			target.goOn()
			target.end()
			r := tr.good()
			wantSound(t, r.stream)
			var got []viaExchange
			through := make(map[string]string)
			for _, e := range readExchanges(t, tr.events) {
				got = append(got, viaExchange{e.Method, e.URL, e.Status, e.Via})
				if strings.HasPrefix(e.URL, "https:") {
					through[e.Conn] = via
				}
			}
			slices.SortFunc(got, func(a, b viaExchange) int { return strings.Compare(a.URL, b.URL) })
			want := []viaExchange{
				{"CONNECT", "goproxy.example:8443", 200, via},
				{"GET", "http://goproxy.example/four", 200, via},
				{"GET", "https://goproxy.example/two", 404, via},
				{"GET", "https://goproxy.example:8443/three", 404, via},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("exchanges (-want +got):\n%s", diff)
			}
			closed := 0
			for _, c := range viaEvents(t, tr.events) {
				if c.Action != "close" {
					continue
				}
				closed++
				if c.Via != through[c.Conn] {
					t.Errorf("%s goes via %q, want %q", c.Conn, c.Via, through[c.Conn])
				}
			}
			if closed <= len(through) || len(through) != 2 {
				t.Errorf("%d connections, %d of them to origins", closed, len(through))
			}
		})
	}
}
