package goproxy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseComplaints(t *testing.T) {
	const m, v = "example.com/m", "v1.0.0"
	tests := []struct {
		name, in string
		want     []Complaint // Detail is left out
	}{
		{"progress", "go: downloading example.com/m v1.0.0\n", nil},
		{"something else", "go: no required module provides package example.com/m; to add it:\n\tgo get example.com/m\n", nil},
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
			"package, go mod tidy", "go: w imports\n\texample.com/m/p: module example.com/m: reading https://goproxy.example/example.com/m/@v/list: 400 Bad Request\n",
			[]Complaint{{Class: "http_4xx", Path: m}},
		},
		{
			"checksum", "go: example.com/m@v1.0.0: verifying module: checksum mismatch\n\tdownloaded: h1:x=\n\tgo.sum:     h1:y=\n\nSECURITY ERROR\n",
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
