package e2e

import (
	"slices"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// marks are what evidence says beyond the cause, in a word each.
var marks = []string{
	"no public authority", "HTTP/1.1 only", "served a second request", "MAX_CONCURRENT_STREAMS", "caches before", "Server-Timing",
	"IPv6 is broken", "resolvers differ", "before what comes next", "GOPRIVATE=", "fetched the same zips",
}

// TestFound runs go mod download with one fault at a time, or two. What must be said of it is
// said, and nothing of the others.
func TestFound(t *testing.T) {
	mods := modproxy.Modules("example.test/small", 6, 2000)
	var rows []situation
	for _, tt := range []struct {
		degraded
		said     []string // marks
		evidence []string // more that is said
	}{
		{degraded{name: "broken IPv6", flags: []string{"-dead-ipv6"}, cause: "connect", text: "connecting to [2001:db8::1]:443, which does not answer"}, []string{"IPv6 is broken"}, []string{"[2001:db8::1]:443 was tried in vain before"}},
		{
			degraded{name: "HTTP/1.1, slow", flags: []string{"-http1", "-server-delay", "300ms"}, cause: "server_wait", text: "takes long"},
			[]string{"HTTP/1.1 only"},
			[]string{"the server did not choose HTTP/2, which the client offered"},
		},
		{
			degraded{name: "no keep-alive, far away", flags: []string{"-http1", "-no-keep-alive", "-delay", "60ms", "-tls-delay", "100ms"}, cause: "tls"},
			[]string{"HTTP/1.1 only", "served a second request"},
			nil,
		},
		{
			degraded{name: "few streams", flags: []string{"-max-streams", "2", "-server-delay", "300ms"}, cause: "server_wait", text: "takes long"},
			[]string{"MAX_CONCURRENT_STREAMS"},
			[]string{"allows 2 streams at once"},
		},
		{
			degraded{
				name: "a cold cache", cause: "server_wait", text: "takes long",
				flags: []string{"-server-delay", "300ms-500ms", "-header", "X-Cache: MISS", "-header", "Server-Timing: origin;dur=280, edge;dur=3"},
			},
			[]string{"caches before", "Server-Timing"},
			[]string{"had none of ", "origin 280 ms, edge 3.0 ms"},
		},
		{
			degraded{name: "slow names and a slow server", flags: []string{"-dns-delay", "1500ms-1600ms", "-server-delay", "300ms"}, cause: "server_wait", text: "takes long"},
			nil,
			[]string{"went to dns: name resolution is slow"},
		},
		{
			degraded{name: "slow names and slow handshakes", flags: []string{"-dns-delay", "1s", "-tls-delay", "2s"}, cause: "tls", text: "TLS handshakes are slow"},
			nil,
			[]string{"went to dns: name resolution is slow"},
		},
		{
			degraded{name: "slow names and a far proxy", flags: []string{"-dns-delay", "1500ms", "-delay", "200ms"}, cause: "server_wait", text: "far away"},
			nil,
			[]string{"went to dns: name resolution is slow"},
		},
		{
			degraded{name: "slow names and 503", flags: []string{"-dns-delay", "2s", "-status", "503"}, fails: true, cause: "errors", text: "503 Service Unavailable"},
			nil,
			[]string{"went to dns"},
		},
		{
			degraded{name: "slow handshakes and 403", flags: []string{"-tls-delay", "2s", "-status", "403"}, fails: true, cause: "errors", text: "403 Forbidden"},
			nil,
			[]string{"went to tls"},
		},
		{
			degraded{name: "a slow server and a wrong checksum", flags: []string{"-server-delay", "400ms", "-corrupt-zip"}, fails: true, cause: "checksum", text: "go.sum is wrong or old", sums: true},
			nil,
			[]string{"went to server_wait"},
		},
		{
			degraded{name: "slow handshakes and a slow line", flags: []string{"-tls-delay", "1s", "-rate", "300k"}, cause: "tls", text: "TLS handshakes are slow"},
			nil, nil,
		},
		{
			degraded{name: "too many requests", flags: []string{"-status", "429", "-retry-after", "30"}, fails: true, cause: "errors", text: "429 Too Many Requests"},
			nil, nil,
		},
		{
			degraded{name: "451", flags: []string{"-status", "451"}, fails: true, cause: "errors", text: "451 Unavailable For Legal Reasons"},
			nil, nil,
		},
		{
			degraded{name: "expired", flags: []string{"-certificate", "expired"}, fails: true, cause: "tls", text: "TLS handshakes with goproxy.example failed", mute: true},
			nil,
			[]string{"expired"},
		},
		{
			degraded{name: "another name", flags: []string{"-certificate", "name"}, fails: true, cause: "tls", text: "TLS handshakes with goproxy.example failed", mute: true},
			nil,
			[]string{"not goproxy.example"},
		},
	} {
		said := tt.said
		if source() == "auto" && !tt.mute {
			said = append(said, "no public authority")
		}
		rows = append(rows, situation{
			name: tt.name, cause: tt.cause, text: []string{tt.text}, evidence: append(tt.evidence, said...),
			never: slices.DeleteFunc(slices.Clone(marks), func(mark string) bool { return slices.Contains(said, mark) }),
			run:   func(t *testing.T, l *lab) string { return tt.run(t, l, mods) },
		})
	}
	checkSituations(t, rows)
}
