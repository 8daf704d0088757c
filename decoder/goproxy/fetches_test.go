package goproxy

import (
	"fmt"
	"slices"
	"testing"
)

// fetch is a fetch of a process on a stream.
func fetch(process int, stream uint32, url string, status int) *Fetch {
	r, _ := Parse(url)
	return &Fetch{Process: process, Conn: "c1", Stream: stream, URL: url, Status: status, Failed: status != 200, Request: r}
}

func TestFetches(t *testing.T) {
	const base = "https://goproxy.example/example.com/m/@v/v1.0.0"
	var f Fetches
	for _, one := range []*Fetch{
		fetch(1, 1, base+".info", 404),
		fetch(1, 3, base+".mod", 200),
		fetch(1, 5, base+".zip", 0),
		fetch(1, 7, base+".zip", 200),
		fetch(1, 9, "https://goproxy.example/sumdb/sum.example/lookup/example.com/m@v1.0.0", 200),
		fetch(1, 11, "https://goproxy.example/example.com/n/@v/v1.0.0.zip", 200),
		fetch(2, 13, base+".zip", 200),
		fetch(2, 15, base+".info", 404),
		fetch(1, 17, base+".info", 404),
	} {
		if said := f.Add(one); said != nil {
			t.Errorf("%+v: nothing was said, and got %+v", one, said)
		}
	}
	for _, tt := range []struct {
		line string
		want []uint32
	}{
		{"go: example.com/m@v1.0.0: verifying module: checksum mismatch\n\tdownloaded: h1:x=\n\tsum.example: h1:y=\n", []uint32{7, 9}},
		{"verifying example.com/m@v1.0.0: checksum mismatch\n\tdownloaded: h1:x=\n\tgo.sum:     h1:y=\n", []uint32{7}},
		{"go: example.com/m@v1.0.0: verifying go.mod: checksum mismatch\n\tdownloaded: h1:x=\n\tsum.example: h1:y=", []uint32{3, 9}},
		{"verifying example.com/m@v1.0.0/go.mod: checksum mismatch", []uint32{3}},
		{"go: example.com/m@v1.0.0: reading https://user:xxxxx@GOPROXY.example:443/example.com/m/@v/v1.0.0.info: 404 Not Found", []uint32{1, 17}},
		{"go: example.com/m@v1.0.0: reading https://goproxy.example/example.com/m/@v/v1.0.0.mod: 404 Not Found", nil},
		{"go: example.com/m@v1.0.0: stream error: stream ID 5; INTERNAL_ERROR; received from peer", []uint32{5}},
		{"go: example.com/m@v1.0.0: unexpected EOF", []uint32{5}},
		{"go: example.com/m@v1.0.0: module lookup disabled by GOPROXY=off", []uint32{1, 17}},
		{"go: example.com/m@v1.0.0 requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)", []uint32{3}},
		{"go: w imports\n\texample.com/m/p/q: cannot find module providing package example.com/m/p/q: module lookup disabled by GOPROXY=off", []uint32{1, 5, 17}},
		{"go: example.com/m@v1.0.0: git ls-remote origin in /m: exit status 128:\n\tfatal: no", nil},
		{"go: example.com/m@v1.0.0: zip: not a valid zip file", []uint32{7}},
		{"go: example.com/o@v1.0.0: verifying module: checksum mismatch", nil},
		{`go: example.com/m@v1.0.0: Get "` + base + `.info": proxyconnect tcp: dial tcp 198.18.0.1:3128: connect: connection refused`, nil},
	} {
		c := ParseComplaints(tt.line, nil)
		if len(c) != 1 {
			t.Errorf("%s: got %+v", tt.line, c)
			continue
		}
		var got []uint32
		for _, one := range f.Of(1, &c[0]) {
			got = append(got, one.Stream)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got streams %d, want %d", tt.line, got, tt.want)
		}
	}
	// The exchange of example.com/o ends after the complaint about it.
	late := "https://goproxy.example/example.com/o/@v/v1.0.0"
	for _, tt := range []struct {
		one  *Fetch
		want bool
	}{
		{fetch(2, 19, late+".zip", 200), false}, // of another process
		{fetch(1, 21, late+".mod", 200), false},
		{fetch(1, 23, late+".zip", 200), true},
		{fetch(1, 25, late+".zip", 200), false}, // the complaint counts once
	} {
		if said := f.Add(tt.one); (said != nil) != tt.want {
			t.Errorf("stream %d: got %+v, want something: %v", tt.one.Stream, said, tt.want)
		}
	}
	f.End(1)
	for _, one := range f.list {
		if one.Process == 1 {
			t.Errorf("%+v is remembered after the end of its process", one)
		}
	}
	if len(f.list) != 3 {
		t.Errorf("%d exchanges are left, want 3", len(f.list))
	}
}

// TestFetchesSeenToGoWell has complaints about exchanges without a fault, or with another
// one, and about pages.
func TestFetchesSeenToGoWell(t *testing.T) {
	const proxy = "https://goproxy.example/example.com/m/@v/v1.0.0"
	const page = "https://example.com/m?go-get=1"
	var f Fetches
	cut := fetch(1, 3, proxy+".zip", 200)
	cut.Failed, cut.Class = true, "protocol"
	connect := fetch(1, 17, "goproxy.example:443", 403)
	connect.Connect = true
	moved := fetch(1, 9, page, 301)
	moved.Failed, moved.Redirect = false, "//www.example.com/m?go-get=1"
	for _, one := range []*Fetch{
		fetch(1, 1, proxy+".mod", 200), cut, fetch(2, 5, proxy+".zip", 200), fetch(2, 7, proxy+".info", 200), moved,
		fetch(1, 11, "https://www.example.com/m?go-get=1", 502), connect, fetch(3, 13, proxy+".zip", 200), fetch(3, 15, proxy+".mod", 200),
	} {
		f.Add(one)
	}
	if !f.Awaits(1, "https://www.example.com/m?go-get=1") || f.Awaits(2, "https://www.example.com/m?go-get=1") {
		t.Error("what an exchange was redirected to is not awaited, or of another process")
	}
	for _, tt := range []struct {
		process int
		line    string
		class   string
		want    []uint32
	}{
		{1, `go: example.com/m@v1.0.0: read "` + proxy + `.zip": unexpected EOF`, "protocol", []uint32{3}},
		{2, `go: example.com/m@v1.0.0: read "` + proxy + `.zip": unexpected EOF`, "protocol", []uint32{5}},
		{3, `go: example.com/m@v1.0.0: read "https:/goproxy.example/@v/v1.0.0.zip": unexpected EOF`, "protocol", []uint32{13}}, // Go 1.21
		{2, "go: example.com/m@v1.0.0: unexpected EOF", "protocol", []uint32{7}},                                               // Go 1.18
		{2, `go: example.com/m@v1.0.0: invalid response from proxy "https://goproxy.example": invalid character '<' looking for beginning of value`, "protocol", []uint32{7}},
		{1, `go: example.com/m@v1.0.0: Get "` + proxy + `.info": Forbidden`, "connect", []uint32{17}},
		{1, `go: example.com/m@v1.0.0: Get "https://other.example/example.com/m/@v/v1.0.0.info": Forbidden`, "connect", nil},
		{3, "go: zip: not a valid zip file", "protocol", []uint32{13}},
		{1, `go: example.com/m@v1.0.0: unrecognized import path "example.com/m": reading ` + page + ": 502 Bad Gateway", "http_5xx", []uint32{9, 11}},
		{1, `go: example.com/m@v1.0.0: unrecognized import path "example.com/m": parse ` + page + ": no go-import meta tags ()", "unavailable", []uint32{9, 11}},
	} {
		c := ParseComplaints(tt.line, nil)[0]
		of := f.Of(tt.process, &c)
		c.Settle(of)
		var got []uint32
		for _, one := range of {
			got = append(got, one.Stream)
		}
		if !slices.Equal(got, tt.want) || c.Class != tt.class {
			t.Errorf("%s: got %s of streams %d, want %s of %d", tt.line, c.Class, got, tt.class, tt.want)
		}
	}
}

func TestFetchesBound(t *testing.T) {
	var f Fetches
	long := "https://goproxy.example/" + string(make([]byte, 4000))
	for i := range 4 * maxFetches {
		url := fmt.Sprintf("https://goproxy.example/example.com/m%d/@v/v1.0.0.zip", i)
		if i%2 == 0 {
			url = long
		}
		f.Add(fetch(i, 1, url, 200))
		f.Of(i, &Complaint{Class: "checksum", Path: "example.com/other", Version: "v1.0.0"})
		if len(f.list) > maxFetches || f.bytes > maxFetchBytes+len(long) || len(f.early) > maxEarly {
			t.Fatalf("%d exchanges, %d bytes, %d complaints are kept", len(f.list), f.bytes, len(f.early))
		}
	}
}
