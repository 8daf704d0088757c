package export

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/goproxy"
)

func TestExchange(t *testing.T) {
	m := Meta{Time: at, PID: 7, Comm: "go", Conn: "c1"}
	head := `{"v":1,"ts":"` + atTime + `","event":"exchange","pid":7,"comm":"go","conn":"c1",`
	ms := func(f float64) *time.Duration { return new(time.Duration(f * float64(time.Millisecond))) }
	const begin = at - 10_000_000
	tests := []struct {
		name string
		in   Exchange
		want string
	}{
		{
			"the one that opened the connection",
			Exchange{
				Exchange: &exchange.Exchange{
					Stream: 1, Method: "GET", URL: "https://user:pw@goproxy.example/example.com/a/@v/v1.0.0.zip?token=x", Status: 302,
					Redirect: "https://store.example/?sig=x", Reused: exchange.ReusedNo, ResponseBytes: 5,
					Start: begin, RequestEnd: begin + 1_000_000, Response: begin + 4_000_000, ResponseEnd: at, End: at,
					RecvStall: 2_500_000,
				},
				DNS: ms(1), Connect: ms(2), Handshake: ms(3.5),
				Module: &Module{Request: goproxy.Request{Kind: goproxy.Zip, Path: "example.com/a", Version: "v1.0.0"}, Proxy: "https://goproxy.example"},
				Via:    "http://proxy.example:3128",
			},
			`"stream":1,"method":"GET","url":"https://<redacted>@goproxy.example/example.com/a/@v/v1.0.0.zip?token=<redacted>",` +
				`"status":302,"protocol":"h2","reused":false,"request_bytes":0,"response_bytes":5,` +
				`"dns_ms":1.000,"connect_ms":2.000,"tls_ms":3.500,"send_ms":1.000,"wait_ms":3.000,"receive_ms":6.000,"total_ms":16.500,` +
				`"stall_ms":{"recv_window":2.500,"send_window":0.000},"redirect":"https://store.example/?sig=<redacted>",` +
				`"module":{"path":"example.com/a","version":"v1.0.0","kind":"zip","proxy":"https://goproxy.example","next":null},"error":null,"start":"2026-09-21T14:13:20.113456789Z","retry":null,"via":"http://proxy.example:3128"}`,
		},
		{
			"reused, answered before the request was complete",
			Exchange{
				Exchange: &exchange.Exchange{
					Stream: 3, Method: "POST", URL: "https://a.example/", Status: 503, Reused: exchange.ReusedYes, RequestBytes: 9,
					Start: begin, RequestEnd: at, Response: begin + 1_000_000, ResponseEnd: at, End: at,
					Error: &exchange.Error{Class: exchange.ClassHTTP5xx, Detail: "503"},
				},
				DNS: ms(1), Connect: ms(2), Handshake: ms(3.5),
			},
			`"stream":3,"method":"POST","url":"https://a.example/","status":503,"protocol":"h2","reused":true,"request_bytes":9,"response_bytes":0,` +
				`"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"send_ms":10.000,"wait_ms":0.000,"receive_ms":9.000,"total_ms":10.000,` +
				`"stall_ms":{"recv_window":0.000,"send_window":0.000},"redirect":null,"module":null,` +
				`"error":{"class":"http_5xx","detail":"503"},"start":"2026-09-21T14:13:20.113456789Z","retry":null,"via":null}`,
		},
		{
			"stopped in the middle of the response",
			Exchange{
				Exchange: &exchange.Exchange{
					Stream: 3, Method: "GET", URL: "https://a.example/", Status: 200, Reused: exchange.ReusedYes, ResponseBytes: 5,
					Start: begin, RequestEnd: begin, Response: begin + 1_000_000, Latest: begin + 3_000_000, ResponseEnd: at, End: at,
					Error: &exchange.Error{Class: exchange.ClassAborted, Detail: "why"},
				},
			},
			`"stream":3,"method":"GET","url":"https://a.example/","status":200,"protocol":"h2","reused":true,"request_bytes":0,"response_bytes":5,` +
				`"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"send_ms":0.000,"wait_ms":1.000,"receive_ms":9.000,"total_ms":10.000,` +
				`"stall_ms":{"recv_window":0.000,"send_window":0.000},"redirect":null,"module":null,` +
				`"error":{"class":"aborted","detail":"why"},"start":"2026-09-21T14:13:20.113456789Z","retry":null,"via":null,"silent_ms":7.000}`,
		},
		{
			"asked to come back",
			Exchange{
				Exchange: &exchange.Exchange{
					Stream: 5, Method: "GET", URL: "https://a.example/", Status: 429, Reused: exchange.ReusedYes, Authorized: true, TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
					Answer: exchange.Answer{RetryAfter: "30", Cache: exchange.CacheMiss, Age: new(0), Timing: []exchange.Metric{{Name: "a", Millis: 1.5}, {Name: "b", Millis: 2}}},
					Error:  &exchange.Error{Class: exchange.ClassHTTP4xx, Detail: "429"},
				},
			},
			`"stream":5,"method":"GET","url":"https://a.example/","status":429,"protocol":"h2","reused":true,"request_bytes":0,"response_bytes":0,` +
				`"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"send_ms":null,"wait_ms":null,"receive_ms":null,"total_ms":null,` +
				`"stall_ms":{"recv_window":0.000,"send_window":0.000},"redirect":null,"module":null,` +
				`"error":{"class":"http_4xx","detail":"429"},"start":null,"retry":null,"via":null,"authorized":true,"retry_after":"30","cache":"miss","age_s":0,` +
				`"server_timing":{"a":1.500,"b":2.000},"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}`,
		},
		{
			"nothing known",
			Exchange{Exchange: &exchange.Exchange{Proto: exchange.HTTP11, RequestBytes: -1, ResponseBytes: -1}},
			`"stream":0,"method":null,"url":null,"status":null,"protocol":"http/1.1","reused":null,"request_bytes":null,"response_bytes":null,` +
				`"dns_ms":null,"connect_ms":null,"tls_ms":null,"send_ms":null,"wait_ms":null,"receive_ms":null,"total_ms":null,` +
				`"stall_ms":null,"redirect":null,"module":null,"error":null,"start":null,"retry":null,"via":null}`,
		},
		{
			"a database's latest, no answer",
			Exchange{
				Exchange: &exchange.Exchange{
					Stream: 5, Method: "GET", URL: "https://sum.example/latest", Reused: exchange.ReusedYes, Start: begin, RequestEnd: begin,
					Error: &exchange.Error{Class: exchange.ClassGoAway, Detail: "see https://u:p@a.example"},
				},
				Module: &Module{Request: goproxy.Request{Kind: goproxy.SumDBLatest}},
			},
			`"stream":5,"method":"GET","url":"https://sum.example/latest","status":null,"protocol":"h2","reused":true,"request_bytes":0,"response_bytes":0,` +
				`"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"send_ms":0.000,"wait_ms":null,"receive_ms":null,"total_ms":null,` +
				`"stall_ms":{"recv_window":0.000,"send_window":0.000},"redirect":null,"module":{"path":null,"version":null,"kind":"sumdb-latest","proxy":null,"next":null},` +
				`"error":{"class":"goaway","detail":"see https://<redacted>@a.example"},"start":"2026-09-21T14:13:20.113456789Z","retry":null,"via":null}`,
		},
		{
			"a proxy that fails before a comma",
			Exchange{
				Exchange: &exchange.Exchange{
					Stream: 5, Method: "GET", URL: "https://a.example/m/@v/list", Status: 503, Reused: exchange.ReusedYes,
					Start: begin, RequestEnd: begin, Response: at, ResponseEnd: at, End: at,
				},
				Module: &Module{Request: goproxy.Request{Kind: goproxy.List, Path: "m"}, Proxy: "https://a.example", Next: "none", Barred: "https://b.example", Tail: "off", Credentials: true},
			},
			`"stream":5,"method":"GET","url":"https://a.example/m/@v/list","status":503,"protocol":"h2","reused":true,"request_bytes":0,"response_bytes":0,` +
				`"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"send_ms":0.000,"wait_ms":10.000,"receive_ms":0.000,"total_ms":10.000,` +
				`"stall_ms":{"recv_window":0.000,"send_window":0.000},"redirect":null,"module":{"path":"m","version":null,"kind":"list",` +
				`"proxy":"https://a.example","next":"none","barred":"https://b.example","tail":"off","credentials":true},"error":null,"start":"2026-09-21T14:13:20.113456789Z","retry":null,"via":null}`,
		},
		{
			"a call of gRPC that is open without an answer",
			Exchange{
				Role: decoder.Server,
				Exchange: &exchange.Exchange{
					Stream: 7, Method: "POST", URL: "https://a.example/s.S/Watch", Reused: exchange.ReusedYes, Start: begin, RequestEnd: begin + 1_000_000,
					End: at, Unanswered: true, Open: true, GRPC: &exchange.GRPC{Status: -1},
				},
			},
			`"stream":7,"method":"POST","url":"https://a.example/s.S/Watch","status":null,"protocol":"h2","reused":true,"request_bytes":0,"response_bytes":0,` +
				`"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"send_ms":1.000,"wait_ms":9.000,"receive_ms":null,"total_ms":10.000,` +
				`"stall_ms":{"recv_window":0.000,"send_window":0.000},"redirect":null,"module":null,"error":null,"start":"2026-09-21T14:13:20.113456789Z",` +
				`"retry":null,"via":null,"grpc_status":null,"grpc_message":null,"role":"server","open":true}`,
		},
		{
			"sent again",
			Exchange{
				Exchange: &exchange.Exchange{
					Stream: 9, Method: "GET", URL: "https://a.example/", Status: 200, Reused: exchange.ReusedYes, Start: begin, RequestEnd: begin,
					Response: at, ResponseEnd: at, End: at,
				},
				Retry: &exchange.Retry{Attempt: 2, Conn: "c1", Stream: 7, Class: exchange.ClassGoAway},
			},
			`"stream":9,"method":"GET","url":"https://a.example/","status":200,"protocol":"h2","reused":true,"request_bytes":0,"response_bytes":0,` +
				`"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"send_ms":0.000,"wait_ms":10.000,"receive_ms":0.000,"total_ms":10.000,` +
				`"stall_ms":{"recv_window":0.000,"send_window":0.000},"redirect":null,"module":null,"error":null,"start":"2026-09-21T14:13:20.113456789Z",` +
				`"retry":{"attempt":2,"conn":"c1","stream":7,"class":"goaway"},"via":null}`,
		},
		{
			"a call of gRPC that failed",
			Exchange{
				Exchange: &exchange.Exchange{
					Stream: 7, Method: "POST", URL: "https://a.example/s.S/Get", Status: 200, Reused: exchange.ReusedYes, Start: begin, RequestEnd: begin,
					Response: at, ResponseEnd: at, End: at, GRPC: &exchange.GRPC{Status: 16, Message: "see https://u:p@a.example"},
				},
			},
			`"stream":7,"method":"POST","url":"https://a.example/s.S/Get","status":200,"protocol":"h2","reused":true,"request_bytes":0,"response_bytes":0,` +
				`"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"send_ms":0.000,"wait_ms":10.000,"receive_ms":0.000,"total_ms":10.000,` +
				`"stall_ms":{"recv_window":0.000,"send_window":0.000},"redirect":null,"module":null,"error":null,"start":"2026-09-21T14:13:20.113456789Z",` +
				`"retry":null,"via":null,"grpc_status":16,"grpc_message":"see https://<redacted>@a.example"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := line(t, Options{}, func(j *JSONL) { j.Exchange(m, &tt.in) })
			if diff := cmp.Diff(head+tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	m := Meta{Time: at, PID: 7, Comm: "go", Conn: "c1"}
	r := &Request{
		Exchange: &exchange.Exchange{Stream: 1, Method: "GET", URL: "https://u:p@a.example/m/@latest", Reused: exchange.ReusedNo},
		Module:   &Module{Request: goproxy.Request{Kind: goproxy.Latest, Path: "m"}, Proxy: "https://a.example"},
		Via:      "http://proxy.example:3128",
	}
	want := `{"v":1,"ts":"` + atTime + `","event":"request","pid":7,"comm":"go","conn":"c1","stream":1,"method":"GET",` +
		`"url":"https://<redacted>@a.example/m/@latest","protocol":"h2","reused":false,` +
		`"module":{"path":"m","version":null,"kind":"latest","proxy":"https://a.example","next":null},"via":"http://proxy.example:3128"}`
	if diff := cmp.Diff(want, line(t, Options{}, func(j *JSONL) { j.Request(m, r) })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	hidden, err := ParseEvents("exchange")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	j := NewJSONL(&out, Options{Events: hidden})
	j.Request(m, r)
	if err := j.Close(); err != nil || out.Len() > 0 {
		t.Errorf("got %s and %v, want nothing with -e exchange", &out, err)
	}
}

func TestStall(t *testing.T) {
	m := Meta{Time: at, PID: 7, Conn: "c1"}
	head := `{"v":1,"ts":"` + atTime + `","event":"stall","pid":7,"comm":null,"conn":"c1",`
	tests := []struct {
		name string
		in   exchange.Stall
		want string
	}{
		{
			"recv",
			exchange.Stall{Stream: 3, Side: decoder.Recv, Window: 65535, Start: at - 1_500_000, End: at, By: "DATA"},
			`"stream":3,"side":"recv_window","window":65535,"start":"2026-09-21T14:13:20.121956789Z","stall_ms":1.500,"ended_by":"DATA"}`,
		},
		{
			"send",
			exchange.Stall{Side: decoder.Send, Start: at, End: at, By: "close"},
			`"stream":0,"side":"send_window","window":0,"start":"` + atTime + `","stall_ms":0.000,"ended_by":"close"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := line(t, Options{}, func(j *JSONL) { j.Stall(m, &tt.in) })
			if diff := cmp.Diff(head+tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
