package report

import (
	"testing"
	"time"
)

// TestXLine parses lines as the releases of Go print them, cut, and inside of other output.
func TestXLine(t *testing.T) {
	const url = "https://goproxy.example/example.com/m/@v/v1.0.0.mod"
	const lock = "# lock /m/cache/vcs/7b7c.lock"
	tests := []struct {
		name, in  string
		kind      xkind
		url, text string
		status    int64
		took      time.Duration
	}{
		{name: "begin", in: "# get " + url, kind: xBegin, url: url},
		{name: "end", in: "# get " + url + ": 200 OK (0.123s)", kind: xEnd, url: url, text: "200 OK", status: 200, took: 123 * time.Millisecond},
		{name: "end with another phrase", in: "# get " + url + ": 404 Nicht gefunden (nie) (12.000s)", kind: xEnd, url: url, text: "404 Nicht gefunden (nie)", status: 404, took: 12 * time.Second},
		{name: "end without a phrase", in: "# get " + url + ": 499  (0.001s)", kind: xEnd, url: url, text: "499 ", status: 499, took: time.Millisecond},
		{
			name: "error", in: "# get " + url + `: Get "` + url + `": dial tcp: lookup goproxy.example: no such host`, kind: xFailed, url: url,
			text: `Get "` + url + `": dial tcp: lookup goproxy.example: no such host`,
		},
		{name: "refused", in: "# get http://a.example/m?go-get=1: insecure", kind: xRefused, url: "http://a.example/m?go-get=1", text: "insecure"},
		{name: "password", in: "# get https://user:xxxxx@a.example/m/@v/list", kind: xBegin, url: "https://user:xxxxx@a.example/m/@v/list"},
		{name: "cut in the status", in: "# get " + url + ": 200 O"},
		{name: "cut in the time", in: "# get " + url + ": 200 OK (0.12"},
		{name: "no URL", in: "# get the tools"},
		{name: "no host", in: "# get https://"},
		{name: "a sentence", in: "# get https://a.example/ and build it"},
		{name: "a build service", in: "2026-01-02T03:04:05.6789012Z # get " + url, kind: xBegin, url: url},
		{name: "docker build", in: "#12 3.456 # get " + url + ": 200 OK (0.123s)", kind: xEnd, url: url, text: "200 OK", status: 200, took: 123 * time.Millisecond},
		{name: "PowerShell", in: "go : # get " + url, kind: xBegin, url: url},
		{name: "git", in: "cd /m/cache/vcs/7b7c; git fetch -f origin", kind: xRun, text: "git fetch -f origin"},
		{name: "git, Windows", in: `cd C:\Users\a b\go\pkg\mod\cache\vcs\7b7c; git tag -l`, kind: xRun, text: "git tag -l"},
		{name: "end of git", in: "0.532s # cd /m/cache/vcs/7b7c; git fetch -f origin", kind: xRan, text: "git fetch -f origin", took: 532 * time.Millisecond},
		{name: "end of svn", in: "1.000s # svn info https://a.example", kind: xRan, text: "svn info https://a.example", took: time.Second},
		{name: "end of something else", in: "1.000s # cd /w; rm -rf x"},
		{name: "cd", in: "cd /w"},
		{name: "repository", in: "mkdir -p /m/cache/vcs/7b7c # git3 https://a.example/m", kind: xRepo, url: "https://a.example/m"},
		{name: "repository that is there", in: "# /m/cache/vcs/7b7c for vcs1.hg https://a.example/m", kind: xRepo, url: "https://a.example/m"},
		{name: "lock", in: lock},
		{name: "lock, go 1.18", in: lock + "mkdir -p /m/cache/vcs/7b7c # git3 https://a.example/m", kind: xRepo, url: "https://a.example/m"},
		{name: "build", in: "WORK=/tmp/go-build357", kind: xWork},
		{name: "build of a package", in: "mkdir -p $WORK/b001/"},
		{name: "package", in: "# internal/cpu"},
		{name: "empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var x xline
			meaning := x.parse([]byte(tt.in))
			if x.kind != tt.kind || meaning != (tt.kind != xOther) {
				t.Fatalf("got kind %d, %t; want %d", x.kind, meaning, tt.kind)
			}
			if x.kind != xOther && (string(x.url) != tt.url || string(x.text) != tt.text || x.status != tt.status || x.took != tt.took) {
				t.Errorf("got %q %q %d %s, want %q %q %d %s", x.url, x.text, x.status, x.took, tt.url, tt.text, tt.status, tt.took)
			}
		})
	}
}
