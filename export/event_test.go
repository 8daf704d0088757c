package export

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"

	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/goproxy"
)

// at is atTime in Unix nanoseconds.
const at = 1_790_000_000_123_456_789

const atTime = "2026-09-21T14:13:20.123456789Z"

// line returns the output of one call, without the newline. It checks that the output is
// one line of JSON, and valid.
func line(t *testing.T, o Options, print func(*JSONL)) string {
	t.Helper()
	var out bytes.Buffer
	j := NewJSONL(&out, o)
	print(j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	text, ok := bytes.CutSuffix(out.Bytes(), []byte("\n"))
	if !ok || bytes.ContainsAny(text, "\n\r") || !json.Valid(text) {
		t.Fatalf("not one line of JSON: %q", out.Bytes())
	}
	checkSchema(t, text)
	return string(text)
}

func TestProcess(t *testing.T) {
	m := Meta{Time: at, PID: 7, Comm: "go"}
	head := `{"v":1,"ts":"` + atTime + `","event":"process","pid":7,"comm":"go",`
	tests := []struct {
		name string
		in   Process
		what ProcessEvent
		want string
	}{
		{
			"attached",
			Process{PPID: new(0), Exe: "/usr/bin/go"},
			&ProcessAttached{
				GoVersion: "go1.26.8", BuildID: "a/b",
				Plan: []Tap{{"write", "PUSH BP"}, {"read", "CALL runtime.memmove"}},
			},
			`"action":"attached","ppid":0,"exe":"/usr/bin/go","go_version":"go1.26.8","build_id":"a/b",` +
				`"plan":{"write":"PUSH BP","read":"CALL runtime.memmove"}}`,
		},
		{
			"attached, traced",
			Process{TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ServiceName: "builder"},
			&ProcessAttached{},
			`"action":"attached","ppid":null,"exe":null,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","service_name":"builder"}`,
		},
		{
			"exec, traced",
			Process{TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ServiceName: "at https://u:p@a.example"},
			ProcessExec{},
			`"action":"exec","ppid":null,"exe":null,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","service_name":"at https://<redacted>@a.example"}`,
		},
		{"exec of nothing known", Process{}, ProcessExec{}, `"action":"exec","ppid":null,"exe":null}`},
		{"exit 0", Process{PPID: new(1)}, ProcessExit{Code: new(0), Duration: new(1500 * time.Microsecond), CPU: new(250 * time.Microsecond)}, `"action":"exit","ppid":1,"exe":null,"exit_code":0,"duration_ms":1.500,"cpu_ms":0.250}`},
		{"in a container", Process{PPID: new(1), Container: Container{ID: "0a1b"}}, ProcessExec{}, `"action":"exec","ppid":1,"exe":null,"container":"0a1b"}`},
		{"container unknown", Process{PPID: new(1), Container: Container{Unknown: true}}, ProcessExec{}, `"action":"exec","ppid":1,"exe":null,"container":null}`},
		{"exit unknown", Process{PPID: new(1)}, ProcessExit{}, `"action":"exit","ppid":1,"exe":null,"exit_code":null,"duration_ms":null,"cpu_ms":null}`},
		{
			"exec of git",
			Process{},
			ProcessExec{Args: []string{"git", "-c", "http.extraHeader=Authorization: Basic czNjcjN0", "fetch", "https://u:s3cr3t@git.example/m"}},
			`"action":"exec","ppid":null,"exe":null,"args":["git","-c","http.extraHeader=Authorization: <redacted>","fetch","https://<redacted>@git.example/m"]}`,
		},
		{
			"error",
			Process{},
			&ProcessError{Complaint: goproxy.Complaint{Class: "http_4xx", Path: "example.com/m", Detail: "reading https://u:p@a.example/: 404 Not Found"}, Fetches: []goproxy.Fetch{{Conn: "c1", Stream: 3, URL: "https://u:p@a.example/"}}},
			`"action":"error","ppid":null,"exe":null,"module":{"path":"example.com/m","version":null},` +
				`"error":{"class":"http_4xx","detail":"reading https://<redacted>@a.example/: 404 Not Found"},"via":null,"requests":[{"conn":"c1","stream":3,"url":"https://<redacted>@a.example/","proxy":null}]}`,
		},
		{
			"error of git",
			Process{},
			&ProcessError{
				Complaint: goproxy.Complaint{Class: "vcs", Detail: "git fetch in /m: exit status 128:\n\tfatal: no"},
				Processes: []Child{{PID: 9, Args: []string{"git", "fetch", "https://u:p@a.example/"}, ExitCode: 128}, {PID: 10, ExitCode: 1}},
			},
			`"action":"error","ppid":null,"exe":null,"module":null,"error":{"class":"vcs","detail":"git fetch in /m: exit status 128:\n\tfatal: no"},` +
				`"via":null,"requests":[],"processes":[{"pid":9,"args":["git","fetch","https://<redacted>@a.example/"],"exit_code":128},{"pid":10,"exit_code":1}]}`,
		},
		{
			"error at an HTTP proxy",
			Process{},
			&ProcessError{
				Complaint: goproxy.Complaint{Class: "connect", Path: "example.com/m", Version: "v1.0.0", Detail: "no"}, Via: "http://proxy.example:3128",
				Fetches: []goproxy.Fetch{{Conn: "c2", Stream: 0, URL: "a.example:443", Proxy: "https://a.example"}},
			},
			`"action":"error","ppid":null,"exe":null,"module":{"path":"example.com/m","version":"v1.0.0"},"error":{"class":"connect","detail":"no"},` +
				`"via":"http://proxy.example:3128","requests":[{"conn":"c2","stream":0,"url":"a.example:443","proxy":"https://a.example"}]}`,
		},
		{
			"attached by another",
			Process{},
			&ProcessAttached{Reason: "another library"},
			`"action":"attached","ppid":null,"exe":null,"reason":"another library"}`,
		},
		{
			"lock",
			Process{},
			ProcessLock{Path: "…/cache/lock", Waited: 1500 * time.Microsecond, Got: true},
			`"action":"lock","ppid":null,"exe":null,"path":"…/cache/lock","wait_ms":1.500,"locked":true}`,
		},
		{"lock of an unknown file", Process{}, ProcessLock{}, `"action":"lock","ppid":null,"exe":null,"path":null,"wait_ms":0.000,"locked":false}`},
		{
			"skipped",
			Process{PPID: new(1), Exe: "/bin/\xff"},
			ProcessSkipped{Reason: "not a Go binary"},
			`"action":"skipped","ppid":1,"exe":"/bin/` + "\ufffd" + `","exe_b64":"L2Jpbi//","reason":"not a Go binary"}`,
		},
		{"skipped unseen", Process{}, ProcessSkipped{"it exited", true}, `"action":"skipped","ppid":null,"exe":null,"reason":"it exited","unseen":true}`},
		{"attached unseen", Process{}, &ProcessAttached{Reason: "another library", Unseen: true}, `"action":"attached","ppid":null,"exe":null,"reason":"another library","unseen":true}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := line(t, Options{}, func(j *JSONL) { j.Process(m, &tt.in, tt.what) })
			if diff := cmp.Diff(head+tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestConn(t *testing.T) {
	m := Meta{Time: at, PID: 7, Conn: "c1"}
	head := `{"v":1,"ts":"` + atTime + `","event":"conn","pid":7,"comm":null,"conn":"c1",`
	ms := func(f float64) *time.Duration { return new(time.Duration(f * float64(time.Millisecond))) }
	unknown := `"local":null,"remote":null,"role":null,"protocol":null,"joined":null,"tls":null,` +
		`"dns_ms":null,"connect_ms":null,"tls_ms":null,"name":null,"via":null`
	tests := []struct {
		name string
		in   Conn
		what ConnEvent
		want string
	}{
		{
			"open",
			Conn{
				Local:  netip.MustParseAddrPort("[::ffff:192.0.2.1]:50000"),
				Remote: netip.MustParseAddrPort("[2001:db8::1]:443"), Role: 1, Protocol: ProtocolH2, Joined: JoinedStart,
				TLS: &TLS{Version: "TLS 1.3", ALPN: "h2", SNI: "goproxy.example", Resumed: new(false), Cipher: "TLS_AES_128_GCM_SHA256", Verify: ms(2)},
				DNS: ms(0), Connect: ms(1.5), Handshake: ms(12.3456), Name: "goproxy.example",
			},
			ConnOpen{},
			`"action":"open","local":"192.0.2.1:50000","remote":"[2001:db8::1]:443","role":"client","protocol":"h2","joined":"start",` +
				`"tls":{"version":"TLS 1.3","alpn":"h2","sni":"goproxy.example","resumed":false,"cipher":"TLS_AES_128_GCM_SHA256","verify_ms":2.000},` +
				`"dns_ms":0.000,"connect_ms":1.500,"tls_ms":12.346,"name":"goproxy.example","via":null}`,
		},
		{"open of nothing known", Conn{}, ConnOpen{}, `"action":"open",` + unknown + `}`},
		{
			"tls of nothing known",
			Conn{Role: 2, TLS: &TLS{}},
			ConnOpen{},
			`"action":"open","local":null,"remote":null,"role":"server","protocol":null,"joined":null,` +
				`"tls":{"version":null,"alpn":null,"sni":null,"resumed":null,"cipher":null,"verify_ms":null},"dns_ms":null,"connect_ms":null,"tls_ms":null,"name":null,"via":null}`,
		},
		{
			"offers of a handshake that failed",
			Conn{Offer: &Offer{ALPN: []string{"h2", "http/1.1"}, Versions: []string{"TLS 1.3"}, SNI: "goproxy.example"}},
			ConnOpen{},
			`"action":"open","local":null,"remote":null,"role":null,"protocol":null,"joined":null,` +
				`"tls":{"version":null,"alpn":null,"sni":"goproxy.example","resumed":null,"cipher":null,"verify_ms":null,` +
				`"offered_alpn":["h2","http/1.1"],"offered_versions":["TLS 1.3"]},"dns_ms":null,"connect_ms":null,"tls_ms":null,"name":null,"via":null}`,
		},
		{
			"dns",
			Conn{Protocol: ProtocolDNS, Name: "goproxy.example"},
			ConnDNS{Type: "A", RCode: "NOERROR", Answers: []string{"a.example.", "192.0.2.1"}},
			`"action":"dns","local":null,"remote":null,"role":null,"protocol":"dns","joined":null,"tls":null,"dns_ms":null,"connect_ms":null,"tls_ms":null,` +
				`"name":"goproxy.example","via":null,"type":"A","rcode":"NOERROR","answers":["a.example.","192.0.2.1"]}`,
		},
		{
			"QUIC",
			Conn{
				Protocol: ProtocolQUIC, Joined: JoinedStart, Source: SourceWire, Reason: "not decrypted: QUIC is not opened", QUIC: "QUIC v1",
				TLS: &TLS{Version: "TLS 1.3", Issuer: "CN=a"}, Offer: &Offer{ALPN: []string{"h3"}, Versions: []string{"TLS 1.3"}},
			},
			ConnClose{BytesSent: new(uint64(1)), BytesReceived: new(uint64(2)), DatagramsSent: new(uint64(3)), DatagramsReceived: new(uint64(4))},
			`"action":"close","local":null,"remote":null,"role":null,"protocol":"quic","joined":"start",` +
				`"tls":{"version":"TLS 1.3","alpn":null,"sni":null,"resumed":null,"cipher":null,"verify_ms":null,"issuer":"CN=a","issuer_public":false,` +
				`"offered_alpn":["h3"],"offered_versions":["TLS 1.3"]},"dns_ms":null,"connect_ms":null,"tls_ms":null,"name":null,"via":null,` +
				`"source":"wire","reason":"not decrypted: QUIC is not opened","quic_version":"QUIC v1","bytes_sent":1,"bytes_received":2,` +
				`"rtt_ms":null,"retransmits":null,"frames":null,"min_rtt_ms":null,"out_of_order":null,"segments_sent":null,"segments_received":null,"holes":null,"rcv_rtt_ms":null,"mss":null,"ttl":null,"unread_bytes":null,"unsent_bytes":null,` +
				`"datagrams_sent":3,"datagrams_received":4}`,
		},
		{
			"close of one that speaks two protocols",
			Conn{},
			ConnClose{Error: &exchange.Error{Class: exchange.ClassProtocol, Detail: "two"}},
			`"action":"close",` + unknown + `,"error":{"class":"protocol","detail":"two"},"bytes_sent":null,"bytes_received":null,` +
				`"rtt_ms":null,"retransmits":null,"frames":null,"min_rtt_ms":null,"out_of_order":null,"segments_sent":null,"segments_received":null,"holes":null,"rcv_rtt_ms":null,"mss":null,"ttl":null,"unread_bytes":null,"unsent_bytes":null}`,
		},
		{"dns without an answer", Conn{}, ConnDNS{Type: "AAAA"}, `"action":"dns",` + unknown + `,"type":"AAAA","rcode":null,"answers":[]}`},
		{
			"failed",
			Conn{},
			ConnFailed{
				Error: &exchange.Error{Class: exchange.ClassDNS, Detail: "NXDOMAIN"},
				Proxy: "https://goproxy.example", Next: "direct",
			},
			`"action":"failed",` + unknown + `,"error":{"class":"dns","detail":"NXDOMAIN"},"proxy":"https://goproxy.example","next":"direct"}`,
		},
		{
			"failed, before a comma",
			Conn{},
			ConnFailed{
				Error: &exchange.Error{Class: exchange.ClassDNS, Detail: "NXDOMAIN"},
				Proxy: "https://goproxy.example", Next: "none", Barred: "direct",
			},
			`"action":"failed",` + unknown + `,"error":{"class":"dns","detail":"NXDOMAIN"},"proxy":"https://goproxy.example","next":"none","barred":"direct"}`,
		},
		{
			"silent",
			Conn{},
			ConnSilent{
				State: StateConnected, BytesSent: new(uint64(97)), BytesReceived: new(uint64(0)),
				Silent: ms(3732), Last: new(decoder.Send), OtherWay: ms(4000), Proxy: "https://goproxy.example",
			},
			`"action":"silent",` + unknown + `,"proxy":"https://goproxy.example","bytes_sent":97,"bytes_received":0,"state":"connected","silent_ms":3732.000,"last":"send","other_way_ms":4000.000}`,
		},
		{
			"silent, all unknown",
			Conn{},
			ConnSilent{State: StateConnecting},
			`"action":"silent",` + unknown + `,"proxy":null,"bytes_sent":null,"bytes_received":null,"state":"connecting","silent_ms":null,"last":null,"other_way_ms":null}`,
		},
		{"flood", Conn{}, ConnFlood{Dir: decoder.Recv}, `"action":"flood",` + unknown + `,"dir":"recv"}`},
		{
			"counted", Conn{}, ConnCounted{Flood: flood()}, `"action":"counted",` + unknown + `,"flood_ms":2.500,"counted":[` +
				`{"dir":"send","type":"PING","frames":3,"bytes":51},{"dir":"recv","type":"UNKNOWN_0x77","frames":1,"bytes":9}]}`,
		},
		{"resync", Conn{}, ConnResync{Dir: 1, Skipped: 17}, `"action":"resync",` + unknown + `,"dir":"recv","skipped_bytes":17}`},
		{
			"close",
			Conn{},
			ConnClose{
				BytesSent: new(uint64(0)), BytesReceived: new(uint64(1 << 40)), Frames: new(uint64(9)),
				Path: &Path{RTT: ms(0.031), OutOfOrder: 3, SegmentsSent: 5, SegmentsReceived: 7, Holes: new(uint64(1)), RcvRTT: ms(25.5), MSS: new(uint64(1448)), TTL: new(uint64(55)), Unread: new(uint64(12)), Unsent: new(uint64(9))},
			},
			`"action":"close",` + unknown + `,"bytes_sent":0,"bytes_received":1099511627776,"rtt_ms":0.031,"retransmits":0,"frames":9,` +
				`"min_rtt_ms":null,"out_of_order":3,"segments_sent":5,"segments_received":7,"holes":1,"rcv_rtt_ms":25.500,"mss":1448,"ttl":55,"unread_bytes":12,"unsent_bytes":9}`,
		},
		{
			"close of HTTP/2 through a proxy",
			Conn{Via: "http://proxy.example:3128"},
			ConnClose{Path: &Path{MinRTT: ms(0.02)}, Crowd: &exchange.Crowd{Peak: 3, Allowed: new(uint32(100))}},
			`"action":"close",` + strings.Replace(unknown, `"via":null`, `"via":"http://proxy.example:3128"`, 1) + `,"bytes_sent":null,"bytes_received":null,` +
				`"rtt_ms":null,"retransmits":0,"frames":null,"min_rtt_ms":0.020,"out_of_order":0,"segments_sent":0,"segments_received":0,"holes":null,"rcv_rtt_ms":null,"mss":null,"ttl":null,"unread_bytes":null,"unsent_bytes":null,` +
				`"peak_streams":3,"max_concurrent_streams":100}`,
		},
		{
			"close of nothing known",
			Conn{},
			ConnClose{},
			`"action":"close",` + unknown + `,"bytes_sent":null,"bytes_received":null,"rtt_ms":null,"retransmits":null,"frames":null,` +
				`"min_rtt_ms":null,"out_of_order":null,"segments_sent":null,"segments_received":null,"holes":null,"rcv_rtt_ms":null,"mss":null,"ttl":null,"unread_bytes":null,"unsent_bytes":null}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := line(t, Options{}, func(j *JSONL) { j.Conn(m, &tt.in, tt.what) })
			if diff := cmp.Diff(head+tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestLoss(t *testing.T) {
	head := `{"v":1,"ts":"` + atTime + `","event":"loss",`
	tests := []struct {
		name string
		in   Loss
		want string
	}{
		{"known", Loss{at, LossRingFull, 3, new(uint64(0)), "c2"}, `"reason":"ring_full","records":3,"bytes":0,"conn":"c2"}`},
		{"unknown", Loss{at, LossGap, 1, nil, ""}, `"reason":"gap","records":1,"bytes":null}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := line(t, Options{}, func(j *JSONL) { j.Loss(&tt.in) })
			if diff := cmp.Diff(head+tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	in := Summary{
		Time: at, Duration: 1500 * time.Millisecond, Processes: 2, Conns: 1, Frames: 40,
		Records: Records{Seen: 30, Delivered: 29, Lost: 1}, Bytes: Bytes{Seen: 1 << 33, Captured: 4096},
		Agent: Agent{CPU: 31416 * time.Microsecond, MaxRSSBytes: 20 << 20},
	}
	tests := []struct {
		name      string
		exchanges *uint64
		want      string
		verify    *Verified
		packets   *Packets
		otlp      *OTLP
		labels    []Label
		last      string
	}{
		{"exchanges not counted", nil, "null", nil, nil, nil, nil, ""},
		{"exchanges", new(uint64(0)), "0", nil, nil, nil, nil, ""},
		{"verified", nil, "null", &Verified{4, 30, 0, 1}, nil, nil, nil, `,"verify":{"blocks":4,"fields":30,"mismatches":0,"unchecked":1}`},
		{"packets", nil, "null", nil, &Packets{9, 1}, nil, nil, `,"packets":{"written":9,"lost":1}`},
		{
			"spans", nil, "null", nil, nil, &OTLP{Delivery{8, 1, 2}, 3, Delivery{40, 5, 6}, 7}, nil,
			`,"otlp":{"spans_sent":8,"spans_rejected":1,"spans_dropped":2,"spans_unsampled":3,"points_sent":40,"points_rejected":5,"points_dropped":6,"stalls_dropped":7}`,
		},
		{"labels", nil, "null", nil, nil, nil, []Label{{"b", "1"}, {"a", `"é"`}}, `,"labels":{"b":"1","a":"\"é\""}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in.Exchanges, in.Verify, in.Packets, in.OTLP, in.Labels = tt.exchanges, tt.verify, tt.packets, tt.otlp, tt.labels
			got := line(t, Options{}, func(j *JSONL) { j.Summary(&in) })
			want := `{"v":1,"ts":"` + atTime + `","event":"summary","duration_ms":1500.000,"processes":2,"conns":1,"frames":40,` +
				`"exchanges":` + tt.want + `,"records":{"seen":30,"delivered":29,"lost":1},` +
				`"bytes":{"seen":8589934592,"captured":4096},"agent":{"cpu_ms":31.416,"max_rss_bytes":20971520},"command":null,"signal":null` + tt.last + `}`
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	in.Agent, in.Command, in.Signal = Agent{}, new(7), "SIGINT"
	got := line(t, Options{}, func(j *JSONL) { j.Summary(&in) })
	if want := `"agent":{"cpu_ms":null,"max_rss_bytes":null},"command":7,"signal":"SIGINT"`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestVerify(t *testing.T) {
	const head = `{"v":1,"ts":"` + atTime + `","event":"verify","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":3,"index":2`
	meta := Meta{Time: at, PID: 7, Comm: "go", Conn: "c1"}
	tests := []struct {
		name      string
		want, got *hpack.HeaderField
		line      string
	}{
		{"a field too few", &hpack.HeaderField{Name: "via", Value: "1"}, nil, `,"want":{"name":"via","value":"1"},"got":null}`},
		{"a field too many", nil, &hpack.HeaderField{Name: "via", Value: "1"}, `,"want":null,"got":{"name":"via","value":"1"}}`},
		{
			"secrets", &hpack.HeaderField{Name: "cookie", Value: "a"}, &hpack.HeaderField{Name: "x", Value: "b", Sensitive: true},
			`,"want":{"name":"cookie","value":"<redacted>"},"got":{"name":"x","value":"<redacted>","never_indexed":true}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := line(t, Options{}, func(j *JSONL) {
				j.Verify(meta, &Difference{Dir: decoder.Recv, Stream: 3, Index: 2, Want: tt.want, Got: tt.got})
			})
			if diff := cmp.Diff(head+tt.line, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// flood returns a flood of 2.5 ms.
func flood() *decoder.Flood {
	f := &decoder.Flood{Start: 1_000_000, End: 3_500_000, Dir: decoder.Recv}
	f.Counted[decoder.Send][decoder.TypePing] = decoder.Tally{Frames: 3, Bytes: 51}
	f.Counted[decoder.Recv][0x77] = decoder.Tally{Frames: 1, Bytes: 9}
	return f
}
