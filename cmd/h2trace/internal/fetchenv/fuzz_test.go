package fetchenv

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// FuzzEnviron compares an environment with a naive reading of it, whole and byte by byte.
func FuzzEnviron(f *testing.F) {
	f.Add("HOME=/root\x00HOME=/other\x00broken\x00=x\x00GOENV=\x00GOPROXY=a=b")
	f.Add("SECRET=GOPROXY=y\x00GOROOT=/x\x00GOPROXY=https://goproxy.example\x00\x00")
	f.Fuzz(func(t *testing.T, in string) {
		want := Environment{}
		pairs := strings.Split(in, "\x00")
		for _, pair := range pairs[:len(pairs)-1] { // the last has no NUL
			name, value, ok := strings.Cut(pair, "=")
			if _, again := want[name]; ok && !again && wanted[name] && len(pair) < maxValue {
				want[name] = value
			}
		}
		got, err := Parse(strings.NewReader(in))
		slowly, slowErr := Parse(iotest.OneByteReader(strings.NewReader(in)))
		if err != nil || slowErr != nil {
			t.Fatal(err, slowErr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: -want +got:\n%s", in, diff)
		}
		if diff := cmp.Diff(got, slowly); diff != "" {
			t.Errorf("%q: -whole +byte by byte:\n%s", in, diff)
		}
	})
}

// FuzzSetting compares a setting in a file of go env -w with a naive reading of it.
func FuzzSetting(f *testing.F) {
	f.Add("GOPROXY=a\r\nGOPROXY=b\n# GOPROXY=c\nGOPROXYX=d", "e")
	f.Fuzz(func(t *testing.T, content, value string) {
		want, known := "", false
		for _, line := range strings.Split(content, "\n") {
			if strings.HasPrefix(line, "GOPROXY=") {
				want, known = strings.TrimRight(line[len("GOPROXY="):], "\r"), true
			}
		}
		if got, ok := settingIn(content, "GOPROXY"); ok != known || got != want {
			t.Errorf("%q: got %q, %v, want %q, %v", content, got, ok, want, known)
		}
		if strings.ContainsAny(value, "\r\n") {
			return
		}
		if got, ok := settingIn(content+"\nGOPROXY="+value+"\n", "GOPROXY"); !ok || got != value {
			t.Errorf("got %q, %v, want the last, %q", got, ok, value)
		}
	})
}

// FuzzHTTPProxies has arbitrary variables. What is reported of a proxy has no credentials, and
// can be found again.
func FuzzHTTPProxies(f *testing.F) {
	f.Add("http://user:hunter2@proxy.example:3128", "internal.example,10.0.0.0/8", "https://origin.example/x")
	f.Add("proxy.example", "*", "http://10.0.0.1")
	f.Add("socks5h://[2001:db8::1]", "", "https://a@b.example")
	f.Fuzz(func(t *testing.T, proxy, not, target string) {
		env := Environment{"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "NO_PROXY": not}
		p := env.httpProxies()
		one, ok := p.ForURL(target)
		if !ok {
			return
		}
		u, err := url.Parse(one.URL)
		if err != nil || u.User != nil || u.Host == "" || !strings.EqualFold(u.Scheme, one.Scheme) {
			t.Fatalf("%q: got %+v, %v", proxy, one, err)
		}
		if at, err := netip.ParseAddrPort("192.0.2.1:" + one.Port); err == nil && at.Port() != 0 {
			if _, err := netip.ParseAddr(one.host); err != nil && one.Is(at, one.host) != Sure {
				t.Errorf("%q: %+v is not at %v", proxy, one, at)
			}
		}
	})
}
