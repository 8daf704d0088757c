package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const spare = "https://spare.example"

// measured has another proxy that found what it was asked for.
func (w *writer) measured() {
	for range minRequests {
		w.exchange(exchange{
			url: spare + "/" + adviceM + "/@v/list", module: adviceM, kind: "list", proxy: spare, wait: 5,
		})
	}
}

// stopped is a go command that fails by a status of the first proxy, after which
// stands bars, or nothing.
func stopped(status int, phrase, bars string) func(*writer) {
	return func(w *writer) {
		x := asked(adviceAt+"v1.0.0.info", status, `,"authorized":false`)
		x.next, x.barred = "none", bars
		w.exchange(x)
		w.complains(900, fmt.Sprintf("http_%dxx", status/100), adviceM, "v1.0.0",
			fmt.Sprintf("%s@v1.0.0: reading %sv1.0.0.info: %d %s", adviceM, adviceAt, status, phrase), adviser, adviceAt+"v1.0.0.info")
	}
}

// refusing is a go command that tries a proxy for each path that may be a module, and
// complains once.
func refusing(class, why, bars string) func(*writer) {
	return func(w *writer) {
		for i := range 3 {
			w.unreached(float64(10*i+10), "192.0.2.1:443", class, adviser, "none", bars)
		}
		w.complains(900, class, adviceM, "v1.0.0", adviceM+`@v1.0.0: Get "`+adviceAt+`v1.0.0.info": `+why, "")
	}
}

const (
	refusal   = "dial tcp 192.0.2.1:443: connect: connection refused"
	noRefusal = "connections to goproxy.example could not be made: look at the address, the network and the firewall"
)

// TestComma has proxies that fail before a "," in GOPROXY, and others that do before
// nothing.
func TestComma(t *testing.T) {
	checkRows(t, []row{
		{
			name: "500", write: stopped(500, "Internal Server Error", spare), exit: 1, cause: Errors,
			text:  adviser + " answered 500 Internal Server Error (http_5xx): look at that proxy; " + follows(spare),
			never: []string{"--suggest", "join another"},
		},
		{
			name: "500, and it was measured elsewhere", write: func(w *writer) {
				w.measured()
				stopped(500, "Internal Server Error", spare)(w)
			}, exit: 1, cause: Errors,
			text: adviser + " answered 500 Internal Server Error (http_5xx): " + another + "; " + follows(spare),
		},
		{
			name: "500 of the last", write: stopped(500, "Internal Server Error", ""), exit: 1, cause: Errors,
			text:  adviser + " answered 500 Internal Server Error (http_5xx): " + addOne,
			never: []string{"--suggest", "follows"},
		},
		{
			name: "403", write: stopped(403, "Forbidden", spare), exit: 1, cause: Errors,
			text: adviser + " answered 403 Forbidden (http_4xx), and no credentials were sent: look at the path and the version; " +
				"if it wants credentials, put them into .netrc, or set GOAUTH; " + follows(spare),
		},
		{
			name: "403, and the command does not say so", write: func(w *writer) {
				x := asked(adviceAt+"v1.0.0.info", 403, `,"authorized":true`)
				x.next, x.barred = "none", "direct"
				w.exchange(x)
			}, exit: 1, cause: Errors,
			text: "requests failed (http_4xx): " + adviser + " answered 403 Forbidden (http_4xx), to the credentials that were sent: " +
				"look at whether they are valid, and at what they allow; " + follows("direct"),
		},
		{
			name: "refused", write: refusing("connect", refusal, spare), exit: 1, cause: Connect,
			text: noRefusal + "; " + follows(spare), evidence: []string{"the go command complains (connect)"},
		},
		{
			name: "refused, of the last", write: refusing("connect", refusal, ""), exit: 1, cause: Connect,
			text: noRefusal, never: []string{"follows"},
		},
		{
			name: "no name", write: refusing("dns", "dial tcp: lookup goproxy.example on 192.0.2.53:53: no such host", "direct"), exit: 1, cause: DNS,
			text: "the name goproxy.example could not be resolved: look at GOPROXY, and the resolver; " + follows("direct"),
		},
		{
			name: "certificate", write: refusing("tls", "tls: failed to verify certificate: x509: certificate has expired", spare), exit: 1, cause: TLS,
			text: "TLS handshakes with goproxy.example failed: look at the certificate, and at what stands between; " + follows(spare),
		},
		{
			name: "complained of before the connection is told", write: func(w *writer) {
				w.complains(900, "connect", adviceM, "v1.0.0", adviceM+`@v1.0.0: Get "`+adviceAt+`v1.0.0.info": `+refusal, "")
				w.unreached(910, "192.0.2.1:443", "connect", adviser, "none", spare)
			}, exit: 1, cause: Connect,
			text: noRefusal + "; " + follows(spare),
		},
	})
}

// TestCommaTable has what the table of fallbacks says of the end of GOPROXY.
func TestCommaTable(t *testing.T) {
	for _, tt := range []struct {
		name  string
		write func(*writer)
		want  []string
	}{
		{"500", stopped(500, "Internal Server Error", spare), []string{adviser, "500", "nothing: " + follows(spare), "1", "5.0"}},
		{"500 of the last", stopped(500, "Internal Server Error", ""), []string{adviser, "500", "nothing: GOPROXY has no other for it", "1", "5.0"}},
		{"refused", refusing("connect", refusal, spare), []string{adviser, "connect", "nothing: " + follows(spare), "3", "15.0"}},
		{"refused, of the last", refusing("connect", refusal, ""), []string{adviser, "connect", "nothing: GOPROXY has no other for it", "3", "15.0"}},
		{"a name that turns the direction of writing", refusing("connect", refusal, "https://a\u202e.example"), []string{adviser, "connect", "nothing: " + follows("https://a\ufffd.example"), "3", "15.0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w writer
			w.command(0)
			tt.write(&w)
			w.exit(1000, 1)
			table := read(t, w.String()).Report().fallbackTable()
			if diff := cmp.Diff([][]string{tt.want}, table.rows[1:]); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	var w writer // somebody else is asked, so that nothing is kept from it
	w.command(0)
	stopped(500, "Internal Server Error", spare)(&w)
	x := asked(spare+"/"+adviceM+"/@v/v1.0.0.info", 200, "")
	x.proxy = spare
	w.exchange(x)
	w.exit(1000, 0)
	want := []Fallback{{From: adviser, Why: "500", To: spare, Count: 1, Lost: 5}}
	if diff := cmp.Diff(want, read(t, w.String()).Report().Fallbacks); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestUnreachedCounts has the tables and --suggest count the same of a proxy that was
// not reached.
func TestUnreachedCounts(t *testing.T) {
	const dotted = adviser + "/repo.v1" // only GOPROXY tells where its path ends
	complain := func(w *writer, at string) {
		w.complains(900, "connect", adviceM, "v1.0.0", adviceM+`@v1.0.0: Get "`+at+"/"+adviceM+`/@v/v1.0.0.info": `+refusal, "")
	}
	for _, tt := range []struct {
		name, proxy string
		write       func(*writer)
		requests    int64
		fallbacks   int64
	}{
		{"one complaint of three", adviser, refusing("connect", refusal, ""), 3, 3},
		{"at two addresses each", adviser, func(w *writer) {
			for i := range 3 {
				w.unreached(float64(10*i+10), "[2001:db8::1]:443", "connect", adviser, "none", "")
				w.unreached(float64(10*i+11), "192.0.2.1:443", "connect", adviser, "none", "")
			}
			complain(w, adviser)
		}, 3, 3},
		{"off behind it", adviser, func(w *writer) {
			w.unreached(10, "192.0.2.1:443", "connect", adviser, "off", "")
			w.unreached(20, "192.0.2.1:443", "connect", adviser, "off", "")
			complain(w, adviser)
		}, 2, 2},
		{"a base path with a dot", dotted, func(w *writer) {
			w.unreached(10, "192.0.2.1:443", "connect", dotted, "none", "")
			w.unreached(20, "192.0.2.1:443", "connect", dotted, "none", "")
			complain(w, strings.Replace(dotted, "://", "://u:<redacted>@", 1))
		}, 2, 2},
		{"no connection is known", adviser, func(w *writer) { complain(w, adviser) }, 1, 0},
		{"no complaint is known", adviser, func(w *writer) {
			w.unreached(10, "192.0.2.1:443", "connect", adviser, "none", "")
		}, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w writer
			w.command(0)
			tt.write(&w)
			w.exit(1000, 1)
			b := read(t, w.String())
			r := b.Report()
			if len(r.Proxies) != 1 || r.Proxies[0].Proxy != tt.proxy || r.Proxies[0].Requests != tt.requests ||
				r.Proxies[0].Failures["connect"] != tt.requests {
				t.Errorf("got proxies %+v, want %d requests to %s", r.Proxies, tt.requests, tt.proxy)
			}
			var fallbacks int64
			for _, f := range r.Fallbacks {
				fallbacks += f.Count
			}
			if fallbacks != tt.fallbacks {
				t.Errorf("got %+v, want %d", r.Fallbacks, tt.fallbacks)
			}
			s, err := b.Suggest()
			want := fmt.Sprintf("%s: left out, none of %d requests found a module", tt.proxy, tt.requests)
			if err == nil || !slices.Equal(s.Reasons, []string{want}) {
				t.Errorf("got %q, %v, want %q", s.Reasons, err, want)
			}
		})
	}
}
