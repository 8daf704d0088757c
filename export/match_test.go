package export

import (
	"testing"
	"time"
)

// TestMatchURL selects exchanges by host and path.
func TestMatchURL(t *testing.T) {
	const zip = "https://goproxy.example/m/@v/v1.0.0.zip?x=%C3%A4"
	for _, tt := range []struct {
		host, path, url string
		want            bool
	}{
		{"goproxy.example", "", zip, true},
		{"GOPROXY.example", "", zip, true},
		{"goproxy.example:443", "", zip, true},
		{"goproxy.example:80", "", zip, false},
		{"goproxy", "", zip, false},
		{"*.example", "", zip, true},
		{"*.example.org", "", zip, false},
		{"*prox*ample", "", zip, true},
		{"", "/@v/", zip, true},
		{"", "/m/*.zip", zip, true},
		{"", "*.zip*", zip, true},
		{"", "%c3%a4", zip, true},
		{"", "x=ä", zip, true},
		{"", "/@v/list", zip, false},
		{"other.example", "/@v/", zip, false},
		{"goproxy.example", "", "https://<redacted>@goproxy.example/x", true},
		{"goproxy.example", "", "https://u:a@b@goproxy.example:8443/x", true},
		{"goproxy.example:8443", "", "https://goproxy.example:8443/x", true},
		{"goproxy.example", "", "goproxy.example:443", true}, // of a CONNECT
		{"192.0.2.1", "", "192.0.2.1:443", true},
		{"[::1]", "", "https://[::1]:8080/x", true},
		{"::1", "", "https://[::1]:8080/x", true},
		{"[::1]:8080", "", "https://[::1]:8080/x", true},
		{"[::1]:443", "", "https://[::1]/x", true},
		{"goproxy.example", "/50%", "https://goproxy.example/50%", true},
		{"goproxy.example", "zz", "https://goproxy.example/%zz", true},
		{"goproxy.example", "", "https://other.example/goproxy.example", false},
		{"*", "", "", true},
		{"a", "", "", false},
		{"", "/", "", false},
	} {
		m := Match{Host: tt.host, Path: tt.path}
		if got := m.meets(tt.url, 200, time.Second); got != tt.want {
			t.Errorf("host %q, path %q: %s: got %t", tt.host, tt.path, tt.url, got)
		}
	}
}

// TestMatchRest selects by status and time.
func TestMatchRest(t *testing.T) {
	ranges, err := ParseStatuses("404, 5xx,200-204,none")
	if err != nil {
		t.Fatal(err)
	}
	m := Match{Status: ranges, Least: 100 * time.Millisecond}
	for status, want := range map[int]bool{404: true, 403: false, 500: true, 599: true, 200: true, 204: true, 205: false, NoStatus: true, 100: false} {
		if got := m.meets("", status, time.Second); got != want {
			t.Errorf("status %d: got %t", status, got)
		}
	}
	for total, want := range map[time.Duration]bool{99 * time.Millisecond: false, 100 * time.Millisecond: true, -1: false} {
		if got := m.meets("", 404, total); got != want {
			t.Errorf("after %v: got %t", total, got)
		}
	}
	for _, list := range []string{"", "4", "4x", "xxx", "0404", "+404", "404-", "600-500", "1000", "99", "4xx-5xx", "404,"} {
		if r, err := ParseStatuses(list); err == nil {
			t.Errorf("%q: got %v", list, r)
		}
	}
}
