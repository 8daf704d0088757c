package goproxy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseComplaints(t *testing.T) {
	const m, v = "example.com/m", "v1.0.0"
	tests := []struct {
		name, in string
		want     []Complaint // without Detail
	}{
		{"progress", "go: downloading example.com/m v1.0.0\n", nil},
		{"warning", "go: warning: \"./...\" matched no packages\n", nil},
		{"deprecated", "go: module example.com/m is deprecated: use example.com/n\n", nil},
		{"another toolchain", "go: example.com/m@v1.0.0 requires go >= 1.30; switching to go1.30.1\n", nil},
		{"nothing to do", "go: no module dependencies to download\n", nil},
		{"upgrade", "go: upgraded example.com/m v1.0.0 => v1.1.0\ngo: added example.com/n v1.0.0\n", nil},
		{"compiler", "# w\n./m.go:3:13: cannot use \"\" (untyped string constant) as int value\n", nil},
		{"syntax", "m.go:3:11: missing import path\n", nil},
		{"vet", "m.go:5:24: fmt.Printf format %d has arg \"\" of wrong type string\n", nil},
		{"test", "--- FAIL: TestX (0.00s)\n    x_test.go:5: module x: 404 Not Found\nFAIL\nexit status 1\n", nil},
		{"-x", "cd .\ngit ls-remote -q origin\n# get https://goproxy.example/: 404 Not Found (0.010s)\n", nil},
		{"no requirement", "go: no required module provides package example.com/m; to add it:\n\tgo get example.com/m\n", []Complaint{{Class: "other"}}},
		{"no requirement, by import", "m.go:3:8: no required module provides package example.com/m; to add it:\n\tgo get example.com/m\n", []Complaint{{Class: "other"}}},
		{"not in std", "m.go:3:8: package foo/bar is not in std (/goroot/src/foo/bar)\n", []Complaint{{Class: "other"}}},
		{"no go.sum", "m.go:3:8: missing go.sum entry for module providing package example.com/m (imported by w); to add:\n\tgo get w\n", []Complaint{{Class: "other"}}},
		{"no go.mod", "go: go.mod file not found in current directory or any parent directory; see 'go help modules'\n", []Complaint{{Class: "other"}}},
		{"another module", "go: example.com/a@v1.2.0 requires\n\texample.com/m@v1.0.0: parsing go.mod:\n\tmodule declares its path as: example.com/q\n", []Complaint{{Class: "other", Path: m, Version: v}}},
		{"a word that progress begins with", "go: creating work dir: mkdir /tmp/go-build1: permission denied\n", []Complaint{{Class: "other"}}},
		{"off", "go: example.com/m@v1.0.0: module lookup disabled by GOPROXY=off\n", []Complaint{{Class: "unavailable", Path: m, Version: v}}},
		{
			"off, go mod tidy", "go: w imports\n\texample.com/m/p: cannot find module providing package example.com/m/p: module lookup disabled by GOPROXY=off\n",
			[]Complaint{{Class: "unavailable", Package: "example.com/m/p"}},
		},
		{"-mod=readonly", "m.go:3:8: cannot find module providing package example.com/m: import lookup disabled by -mod=readonly\n", []Complaint{{Class: "other", Package: "example.com/m"}}},
		{"no versions", "go: example.com/m@>v1.5.0: no matching versions for query \">v1.5.0\"\n", []Complaint{{Class: "unavailable", Path: m}}},
		{
			"no such package", "go: module example.com/m@latest found (v1.0.0), but does not contain package example.com/m/sub\n",
			[]Complaint{{Class: "unavailable", Path: m}},
		},
		{
			"page without a repository", "go: example.com/m@v1.0.0: unrecognized import path \"example.com/m\": parse https://example.com/m?go-get=1: no go-import meta tags ()\n",
			[]Complaint{{Class: "unavailable", Path: m, Version: v}},
		},
		{
			"page", "go: example.com/m@v1.0.0: unrecognized import path \"example.com/m\": reading https://example.com/m?go-get=1: 502 Bad Gateway\n\tserver response: no forge\n",
			[]Complaint{{Class: "http_5xx", Path: m, Version: v}},
		},
		{"branch", "go: example.com/m@main: invalid version: reading https://goproxy.example/example.com/m/@v/main.info: 404 Not Found\n", []Complaint{{Class: "http_4xx", Path: m}}},
		{
			"git", "go: example.com/m@v1.0.0: invalid version: git ls-remote -q origin in /m/cache/vcs/e0fa: exit status 128:\n\tfatal: unable to access 'https://x/': Could not resolve host: x\n",
			[]Complaint{{Class: "vcs", Path: m, Version: v, Command: "git ls-remote -q origin"}},
		},
		{"no git", "go: example.com/m@v1.0.0: git init --bare in /m/cache/vcs/e0fa: exec: \"git\": executable file not found in $PATH\n", []Complaint{{Class: "vcs", Path: m, Version: v, Command: "git init --bare"}}},
		{"no hg", "go: missing Mercurial command. See https://go.dev/s/gogetcmd\ngo: example.com/m.hg@v1.0.0: no secure protocol found for repository\n", []Complaint{
			{Class: "vcs"}, {Class: "vcs", Path: "example.com/m.hg", Version: v},
		}},
		{"GOVCS", "go: example.com/m@v1.0.0: unrecognized import path \"example.com/m\": GOVCS disallows using git for public example.com/m; see 'go help vcs'\n", []Complaint{{Class: "vcs", Path: m, Version: v}}},
		{"too new", "go: example.com/m@v1.0.0 requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)\n", []Complaint{{Class: "toolchain", Path: m, Version: v}}},
		{"main module too new", "go: go.mod requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)\n", []Complaint{{Class: "toolchain"}}},
		{"main module too new, go 1.20", "go: errors parsing go.mod:\n/w/go.mod:3: invalid go version '1.99.0': must match format 1.23\n", []Complaint{{Class: "toolchain"}}},
		{"no toolchain", "go: download go1.99.0 for linux/amd64: toolchain not available\n", []Complaint{{Class: "toolchain", Path: "golang.org/toolchain", Version: "v0.0.1-go1.99.0.linux-amd64"}}},
		{
			"toolchain not fetched", "go: download go1.99.0: golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64: reading https://goproxy.example/golang.org/toolchain/@v/v0.0.1-go1.99.0.linux-amd64.zip: 500 Internal Server Error\n",
			[]Complaint{{Class: "http_5xx", Path: "golang.org/toolchain", Version: "v0.0.1-go1.99.0.linux-amd64"}},
		},
		{"no proxy", `go: example.com/m@v1.0.0: invalid proxy URL missing scheme: foo`, []Complaint{{Class: "other", Path: m, Version: v}}},
		{"HTTP where TLS is wanted", `go: example.com/m@v1.0.0: Get "https://goproxy.example/": http: server gave HTTP response to HTTPS client`, []Complaint{{Class: "protocol", Path: m, Version: v}}},
		{"too long", `go: example.com/m@v1.0.0: read "https://goproxy.example/": net/http: server replied with more than declared Content-Length; truncated`, []Complaint{{Class: "protocol", Path: m, Version: v}}},
		{"no JSON", `go: example.com/m@v1.0.0: invalid response from proxy "https://goproxy.example": invalid character '<' looking for beginning of value`, []Complaint{{Class: "protocol", Path: m, Version: v}}},
		{"status without a phrase", "go: example.com/m@v1.0.0: reading https://goproxy.example/x: 499 \n", []Complaint{{Class: "http_4xx", Path: m, Version: v}}},
		{"requirement of a requirement", "go: w@v0.1.0 requires\n\texample.com/a@v1.2.0 requires\n\texample.com/m@v1.0.0: reading https://goproxy.example/x: 404 Not Found\n", []Complaint{{Class: "http_4xx", Path: m, Version: v}}},
		{"of a program", "panic: checksum mismatch\n", nil},
		{"of a compiler", "./m@v1.0.0/m.go:5:3: tls: undefined\n./m.go:6:3: undefined: module\n\tconnect: ok\n", nil},
		{
			"package", "../m@v1.1.0/cmd/x main.go:13:2: example.com/m@v1.0.0: reading https://goproxy.example/example.com/m/@v/v1.0.0.zip: 403 Forbidden\n\tserver response: none\n",
			[]Complaint{{Class: "http_4xx", Path: m, Version: v}},
		},
		{
			"package of no module", "m.go:2:8: module example.com/m: reading https://goproxy.example/example.com/m/@v/list: 400 Bad Request\n",
			[]Complaint{{Class: "http_4xx", Path: m}},
		},
		{
			"package, go mod tidy of go 1.18", "w imports\n\texample.com/m/p: module example.com/m: reading https://goproxy.example/example.com/m/@v/list: 400 Bad Request\n",
			[]Complaint{{Class: "http_4xx", Path: m}},
		},
		{
			"package, go test", "# w\nm.go:3:8: example.com/m@v1.0.0: reading https://goproxy.example/example.com/m/@v/v1.0.0.zip: 500 Internal Server Error\n\tserver response: x\n",
			[]Complaint{{Class: "http_5xx", Path: m, Version: v}},
		},
		{
			"package, go mod tidy", "go: w imports\n\texample.com/m/p: module example.com/m: reading https://goproxy.example/example.com/m/@v/list: 400 Bad Request\n",
			[]Complaint{{Class: "http_4xx", Path: m}},
		},
		{
			"checksum", "go: example.com/m@v1.0.0: verifying module: checksum mismatch\n\tdownloaded: h1:x=\n\tgo.sum:     h1:y=\n\nSECURITY ERROR\n",
			[]Complaint{{Class: "checksum", Path: m, Version: v}},
		},
		{
			"checksum that the database does not have", "go: example.com/m@v1.0.0: verifying module: checksum missing from sumdb response\n\nSECURITY ERROR\n",
			[]Complaint{{Class: "checksum", Path: m, Version: v}},
		},
		{"checksum, go 1.18", "verifying example.com/m@v1.0.0: checksum mismatch\n", []Complaint{{Class: "checksum", Path: m, Version: v}}},
		{
			"checksum of go.mod", "go: example.com/m@v1.0.0: verifying go.mod: checksum mismatch\nverifying example.com/m@v1.0.0/go.mod: checksum mismatch\n",
			[]Complaint{{Class: "checksum", Path: m, Version: v}, {Class: "checksum", Path: m, Version: v}},
		},
		{
			"not found", "go: example.com/m@v1.0.0: reading https://goproxy.example/example.com/m/@v/v1.0.0.info: 404 Not Found\n\tserver response: none\n",
			[]Complaint{{Class: "http_4xx", Path: m, Version: v}},
		},
		{
			"no version", "go: module example.com/m: reading https://goproxy.example/example.com/m/@v/list: 503 Service Unavailable\n",
			[]Complaint{{Class: "http_5xx", Path: m}},
		},
		{
			"resolver", `go: example.com/m@v1.0.0: Get "https://goproxy.example/example.com/m/@v/v1.0.0.info": dial tcp: lookup goproxy.example on 198.18.0.1:53: server misbehaving`,
			[]Complaint{{Class: "dns", Path: m, Version: v}},
		},
		{
			"resolver is slow", `go: example.com/m@v1.0.0: Get "https://goproxy.example/": dial tcp: lookup goproxy.example: i/o timeout`,
			[]Complaint{{Class: "dns", Path: m, Version: v}},
		},
		{
			"refused", `go: example.com/m@v1.0.0: Get "https://goproxy.example/": dial tcp 198.18.0.1:443: connect: connection refused`,
			[]Complaint{{Class: "connect", Path: m, Version: v}},
		},
		{
			"certificate", `go: example.com/m@v1.0.0: Get "https://goproxy.example/": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
			[]Complaint{{Class: "tls", Path: m, Version: v}},
		},
		{
			"proxy refused", `go: example.com/m@v1.0.0: Get "https://goproxy.example/": proxyconnect tcp: dial tcp 198.18.0.1:3128: connect: connection refused`,
			[]Complaint{{Class: "connect", Path: m, Version: v, AtProxy: true}},
		},
		{
			"proxy wants credentials", `go: example.com/m@v1.0.0: Get "https://goproxy.example/": Proxy Authentication Required`,
			[]Complaint{{Class: "connect", Path: m, Version: v, AtProxy: true}},
		},
		{"handshake", `go: example.com/m@v1.0.0: Get "https://goproxy.example/": net/http: TLS handshake timeout`, []Complaint{{Class: "tls", Path: m, Version: v}}},
		{
			"reset", "go: example.com/m@v1.0.0: stream error: stream ID 9; INTERNAL_ERROR; received from peer\n" +
				"go: example.com/n@v1.2.0: read \"https://goproxy.example/\": unexpected EOF\n",
			[]Complaint{{Class: "reset", Path: m, Version: v}, {Class: "reset", Path: "example.com/n", Version: "v1.2.0"}},
		},
		{"truncated", "go: example.com/m@v1.0.0: zip: not a valid zip file\n", []Complaint{{Class: "protocol", Path: m, Version: v}}},
		{
			"module of the URL", `go: downloading: Get "https://goproxy.example/example.com/m/@v/v1.0.0.zip": context deadline exceeded`,
			[]Complaint{{Class: "timeout", Path: m, Version: v}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ParseComplaints(tt.in, nil)
			for i := range got {
				if got[i].Detail == "" {
					t.Errorf("complaint %d has no detail", i)
				}
				got[i].Detail, got[i].URL = "", ""
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestComplaintDetail checks which lines of a complaint are kept.
func TestComplaintDetail(t *testing.T) {
	const (
		link  = "go: w imports\n\texample.com/a imports\n\texample.com/m/p: "
		said  = "module example.com/m: reading https://goproxy.example/example.com/m/@v/list: 410 Gone\n\tserver response:\n\tgone\n\tfor good"
		other = "go: errors parsing go.mod:\ngo.mod:1: unknown directive: x"
	)
	for in, want := range map[string]string{
		"go: " + said + "\n":           said,
		link + said + "\n":             said,
		"m.go:2:8: " + said + "\nno\n": said,
		other + "\n":                   other[len("go: "):],
	} {
		if got := ParseComplaints(in, nil); len(got) != 1 || got[0].Detail != want {
			t.Errorf("%q: got %+v, want the detail %q", in, got, want)
		}
	}
}

// FuzzParseComplaints has arbitrary messages. Two with an empty line between them are two, and
// those of Windows are the same.
func FuzzParseComplaints(f *testing.F) {
	f.Add("go: a@v1 requires\n\tb@v2: parsing go.mod:\n\tx\n\ngo: \n\t\n:")
	f.Add("m.go:1:2: module x: git fetch in /m: exit status 1:\n \r\n# w\n")
	f.Fuzz(func(t *testing.T, message string) {
		list := ParseComplaints(message, nil)
		const other = "go: a@v1: not found"
		for _, joined := range []string{message + "\n\n" + other, strings.ReplaceAll(message, "\n", "\r\n") + "\r\n\r\n" + other} {
			if diff := cmp.Diff(append(list[:len(list):len(list)], ParseComplaints(other, nil)...), ParseComplaints(joined, nil)); diff != "" {
				t.Errorf("%q: -apart +together:\n%s", joined, diff)
			}
		}
		var fetches Fetches
		fetches.Add(fetch(1, 1, "https://goproxy.example/example.com/m/@v/v1.0.0.zip", 200))
		for _, c := range ParseComplaints(message, nil) {
			c.Settle(fetches.Of(1, &c))
			if c.Class == "" || len(c.Detail) > len(message) {
				t.Errorf("%q: got %+v", message, c)
			}
		}
	})
}
