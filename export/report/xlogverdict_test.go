package report

import (
	"strings"
	"testing"
)

// TestLogVerdicts reads what go commands print that fail, or are slow, in one known way.
func TestLogVerdicts(t *testing.T) {
	const mod = xA + "v1.0.0.mod"
	failing := func(why string) string {
		return "# get " + mod + "\n# get " + mod + ": Get \"" + mod + "\": " + why + "\ngo: example.com/m@v1.0.0: Get \"" + mod + "\": " + why + "\n"
	}
	tests := []struct {
		name, in string
		cause    Cause
		text     []string
		evidence []string
	}{
		{
			name: "fast", in: xget(mod, "200 OK (0.020s)"), cause: Healthy,
			text: []string{"no request failed", "at least 20 ms passed until responses began", "h2trace -o"}, evidence: []string{"has no clock"},
		},
		{name: "nothing to fetch", in: "WORK=/tmp/go-build1\nmkdir -p $WORK/b001/\n", cause: Healthy, text: []string{"no request is in the log"}},
		{
			name: "slow", in: xget(mod, "200 OK (3.000s)"), cause: ServerWait,
			text: []string{"at least 3.00 s passed until responses began", "DNS, connecting, TLS or the server", "h2trace -o"}, evidence: []string{"the slowest after 3.00 s: " + mod},
		},
		{
			name: "slow for one", in: strings.Repeat(xget(mod, "200 OK (0.010s)"), 50) + xget(xA+"v1.0.0.zip", "200 OK (9.000s)"), cause: ServerWait,
			text: []string{"most of it for a few requests", "h2trace -o"}, evidence: []string{"1 of 51 requests waited more than 4 times as long"},
		},
		{
			name: "slow, and failing", in: xget(mod, "502 Bad Gateway (3.000s)") + xget(xB+"v1.0.0.mod", "200 OK (0.010s)"), cause: Errors,
			text: []string{"https://a.example/go answered 502 Bad Gateway", "no command is known to have failed"}, evidence: []string{"besides, at least 3.01 s passed until responses began"},
		},
		{
			name: "git", in: "cd /m; git fetch origin\n9.000s # cd /m; git fetch origin\n", cause: VCS,
			text: []string{"at least 9.00 s went to git, which fetched modules directly"},
		},
		{
			name: "not there", in: xget(mod, "404 Not Found (0.010s)") + "go: example.com/m@v1.0.0: reading " + mod + ": 404 Not Found\n\tserver response: not found: no such module\n",
			cause: Errors, text: []string{"https://a.example/go answered 404 Not Found (http_4xx), saying \"not found: no such module\"", "look at its path and version"},
		},
		{
			name: "not there, in a build service", in: "2026-01-02T03:04:05.6789012Z # get " + mod + "\r\n2026-01-02T03:04:05.7789012Z # get " + mod + ": 404 Not Found (0.100s)\r\n" +
				"2026-01-02T03:04:05.7789012Z go: example.com/m@v1.0.0: reading " + mod + ": 404 Not Found\r\n2026-01-02T03:04:05.7789012Z \tserver response: not found: no such module\r\n",
			cause: Errors, text: []string{"https://a.example/go answered 404 Not Found (http_4xx), saying \"not found: no such module\""},
		},
		{
			name: "unauthorized", in: xget(mod, "401 Unauthorized (0.010s)") + "go: example.com/m@v1.0.0: reading " + mod + ": 401 Unauthorized\n",
			cause: Errors, text: []string{"401 Unauthorized", "look at the credentials in .netrc or of GOAUTH"},
		},
		{name: "no name", in: failing("dial tcp: lookup a.example on 192.0.2.1:53: no such host"), cause: DNS, text: []string{"the name a.example could not be resolved"}},
		{name: "refused", in: failing("dial tcp 192.0.2.1:443: connect: connection refused"), cause: Connect, text: []string{"connections to a.example could not be made"}},
		{name: "certificate", in: failing("tls: failed to verify certificate: x509: certificate signed by unknown authority"), cause: TLS, text: []string{"TLS handshakes with a.example failed"}},
		{
			name: "HTTP proxy", in: failing("proxyconnect tcp: dial tcp 192.0.2.1:3128: connect: connection refused"), cause: Connect,
			text: []string{"the HTTP proxy that HTTPS_PROXY names could not be reached, or refused"},
		},
		{
			name: "checksum", in: xget(xA+"v1.0.0.zip", "200 OK (0.010s)") +
				"verifying example.com/m@v1.0.0: checksum mismatch\n\tdownloaded: h1:x=\n\tgo.sum:     h1:y=\n\nSECURITY ERROR\n", cause: Checksum,
		},
		{
			name: "checksum, behind other lines", in: xget(xA+"v1.0.0.zip", "200 OK (0.010s)") + "mkdir x\n" +
				"go: example.com/m@v1.0.0: verifying module: checksum mismatch\n\tdownloaded: h1:x=\n\tsum.example: h1:y=\n", cause: Checksum,
		},
		{
			name: "import", in: xget(xA+"v1.0.0.zip", "500 Internal Server Error (0.010s)") + "main.go:3:8: example.com/m@v1.0.0: reading " + xA + "v1.0.0.zip: 500 Internal Server Error\n",
			cause: Errors, text: []string{"https://a.example/go answered 500"},
		},
		{
			name: "git failed", in: "mkdir -p /m/cache/vcs/7b # git3 https://example.com/m\ncd /m/cache/vcs/7b; git ls-remote -q origin\n0.100s # cd /m/cache/vcs/7b; git ls-remote -q origin\n" +
				"go: example.com/m@v1.0.0: invalid version: git ls-remote -q origin in /m/cache/vcs/7b: exit status 128:\n\tfatal: could not read Username for 'https://example.com': terminal prompts disabled\n",
			cause: Errors, text: []string{"git"},
		},
		{
			name: "cut", in: xget(mod, "200 OK (0.020s)") + "# get " + xA + "v1.0.0.zip\n# get " + xA + "v1.0.0.zip: 200 O", cause: Healthy,
			evidence: []string{"1 request has no end in the log: it was cut there, or the command was stopped, such as GET " + xA + "v1.0.0.zip"},
		},
		{name: "a remark that is no failure", in: xget(mod, "200 OK (0.020s)") + "go: updates to go.mod needed\n", cause: Healthy, text: []string{"no request failed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := read(t, tt.in).Report()
			if r.Verdict.Cause != tt.cause {
				t.Errorf("got %+v, want %s", r.Verdict, tt.cause)
			}
			for _, s := range tt.text {
				if !strings.Contains(r.Verdict.Text, s) {
					t.Errorf("the text has no %q: %s", s, r.Verdict.Text)
				}
			}
			all := strings.Join(r.Verdict.Evidence, "\n")
			for _, s := range append(tt.evidence, "a log of go -x has no ") {
				if !strings.Contains(all, s) {
					t.Errorf("the evidence has no %q:\n%s", s, all)
				}
			}
			// A failure of the go command and of its request are one.
			for _, p := range r.Proxies {
				for class, n := range p.Failures {
					if n != 1 {
						t.Errorf("%s: %d %s", p.Proxy, n, class)
					}
				}
			}
			if n := strings.Count(all, "1 request failed"); n > 0 && len(r.Verdict.Evidence) > 0 && strings.Contains(all, "the go command complains") {
				t.Errorf("a failure counts twice:\n%s", all)
			}
		})
	}
}

func TestLogSuggest(t *testing.T) {
	s, err := read(t, strings.Repeat(xget(xA+"v1.0.0.info", "200 OK (0.030s)"), 3)+strings.Repeat(xget(xB+"v1.0.0.info", "200 OK (0.010s)"), 3)).Suggest()
	if err != nil || s.Command != "go env -w GOPROXY=https://b.example,https://a.example/go,direct" || !strings.Contains(s.Reasons[0], "until the response began") {
		t.Errorf("got %+v, %v", s, err)
	}
}
