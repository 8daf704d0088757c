package text

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const begin = `{"v":1,"ts":"2026-11-30T09:00:00.250000000Z","event":`

// events are lines as h2trace writes them, and the text of each.
var events = []struct{ line, text string }{
	{
		`"process","pid":7,"comm":"go","action":"exec","ppid":1,"exe":"/usr/bin/go","args":["go","list"]}`,
		"   0.250 go[7]                exec          /usr/bin/go go list",
	},
	{
		`"process","pid":7,"comm":"go","action":"attached","ppid":1,"exe":"/usr/bin/go","go_version":"go1.26.8","plan":{}}`,
		"   0.250 go[7]                attached      /usr/bin/go, go1.26.8",
	},
	{
		`"process","pid":7,"comm":"cat","action":"skipped","ppid":1,"exe":"/bin/cat","reason":"not a Go program"}`,
		"   0.250 cat[7]               skipped       /bin/cat: not a Go program",
	},
	{
		`"process","pid":7,"comm":"go","action":"lock","path":"…/cache/lock","wait_ms":120.000,"locked":false}`,
		"   0.250 go[7]                lock          waited 120 ms in vain for …/cache/lock",
	},
	{
		`"process","pid":7,"comm":"go","action":"error","module":{"path":"m.example","version":"v1.0.0"},"error":{"class":"http_4xx","detail":"404 Not Found"}}`,
		"   0.250 go[7]                error         m.example@v1.0.0: http_4xx: 404 Not Found",
	},
	{
		`"process","pid":7,"comm":"go","action":"exit","ppid":1,"exe":"/usr/bin/go","exit_code":1,"duration_ms":2500.000,"cpu_ms":70.200}`,
		"   0.250 go[7]                exit          status 1 after 2.50 s, 70.2 ms CPU",
	},
	{
		`"conn","pid":7,"comm":"go","action":"dns","local":null,"remote":"192.0.2.53:53","dns_ms":3.000,"name":"goproxy.example","type":"A","rcode":"NOERROR","answers":["192.0.2.1","192.0.2.2"]}`,
		"   0.250 go[7]                dns           goproxy.example A: 192.0.2.1 192.0.2.2 in 3.0 ms, from 192.0.2.53:53",
	},
	{
		`"conn","pid":7,"comm":"go","action":"dns","remote":"192.0.2.53:53","dns_ms":null,"name":"goproxy.example","type":"A","rcode":null,"answers":[]}`,
		"   0.250 go[7]                dns           goproxy.example A: no answer, from 192.0.2.53:53",
	},
	{
		`"conn","pid":7,"comm":"go","action":"failed","remote":"192.0.2.1:443","name":"goproxy.example","error":{"class":"connect","detail":"ECONNREFUSED"}}`,
		"   0.250 go[7]                failed        to goproxy.example 192.0.2.1:443: connect: ECONNREFUSED",
	},
	{
		`"conn","pid":7,"comm":"go","conn":"c1","action":"open","local":"192.0.2.9:5","remote":"192.0.2.1:443","role":"client","protocol":"h2","joined":"start",` +
			`"tls":{"version":"TLS 1.3","alpn":"h2"},"dns_ms":0.500,"connect_ms":0.300,"tls_ms":18.400,"name":"goproxy.example","via":null}`,
		"   0.250 go[7]     c1         open          to goproxy.example 192.0.2.1:443, dns 0.5 ms, connect 0.3 ms, tls 18.4 ms, h2, TLS 1.3",
	},
	{
		`"conn","pid":7,"comm":"go","conn":"c1","action":"close","bytes_sent":8541,"bytes_received":9300000,"rtt_ms":0.100,"retransmits":3}`,
		"   0.250 go[7]     c1         close         8541 B sent, 9.3 MB received, 3 segments sent again, round trip 0.1 ms",
	},
	{
		`"conn","pid":7,"comm":"go","conn":"c1","action":"resync","dir":"recv","skipped_bytes":700}`,
		"   0.250 go[7]     c1      <- resync        recv: in step again after 700 B",
	},
	{
		`"conn","pid":7,"comm":"go","conn":"c1","action":"flood","dir":"recv"}`,
		"   0.250 go[7]     c1      <- flood         too many frames that carry nothing: counted from now on, not decoded",
	},
	{
		`"conn","pid":7,"comm":"go","conn":"c1","action":"counted","flood_ms":2500.000,` +
			`"counted":[{"dir":"send","type":"PING","frames":7,"bytes":119},{"dir":"recv","type":"PING","frames":300000,"bytes":5100000}]}`,
		"   0.250 go[7]     c1         counted       7 PING send of 119 B, 300000 PING recv of 5.1 MB in 2.50 s",
	},
	{
		`"frame","pid":7,"comm":"go","conn":"c1","dir":"send","stream":1,"type":"HEADERS","flags":["END_STREAM","END_HEADERS"],"length":64,` +
			`"headers":[{"name":":authority","value":"goproxy.example"},{"name":":method","value":"GET"},{"name":":path","value":"/m/@v/list"},{"name":":scheme","value":"https"}],"window":{}}`,
		"   0.250 go[7]     c1    1 -> HEADERS       GET https://goproxy.example/m/@v/list END_STREAM",
	},
	{
		`"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":1,"type":"HEADERS","flags":["END_HEADERS"],"length":4,"headers":[{"name":":status","value":"404"}],"window":{}}`,
		"   0.250 go[7]     c1    1 <- HEADERS       404",
	},
	{
		`"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":1,"type":"HEADERS","flags":["END_STREAM","END_HEADERS"],"length":4,"headers":[{"name":"grpc-status","value":"0"}],"window":{}}`,
		"   0.250 go[7]     c1    1 <- HEADERS       grpc-status 0 END_STREAM",
	},
	{
		`"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":1,"type":"DATA","flags":["END_STREAM"],"length":54,"data_length":54,` +
			`"window":{"conn_send":1,"conn_recv":1073741823,"stream_send":2,"stream_recv":4194250}}`,
		"   0.250 go[7]     c1    1 <- DATA          54 B END_STREAM, window 4194250",
	},
	{
		`"frame","pid":7,"comm":"go","conn":"c1","dir":"send","stream":0,"type":"WINDOW_UPDATE","flags":[],"length":4,"increment":1000,` +
			`"window":{"conn_send":1,"conn_recv":66535,"stream_send":null,"stream_recv":null}}`,
		"   0.250 go[7]     c1      -> WINDOW_UPDATE +1000, window 66535",
	},
	{
		`"frame","pid":7,"comm":"go","conn":"c1","dir":"send","stream":0,"type":"SETTINGS","flags":[],"length":6,"settings":{"ENABLE_PUSH":0,"INITIAL_WINDOW_SIZE":4194304},"ack":false,"window":{}}`,
		"   0.250 go[7]     c1      -> SETTINGS      ENABLE_PUSH=0 INITIAL_WINDOW_SIZE=4194304",
	},
	{
		`"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":0,"type":"SETTINGS","flags":["ACK"],"length":0,"settings":{},"ack":true,"window":{}}`,
		"   0.250 go[7]     c1      <- SETTINGS      ACK",
	},
	{
		`"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":0,"type":"GOAWAY","flags":[],"length":8,"error":"NO_ERROR","error_code":0,"last_stream":7,"debug":"bye","window":{},"violation":"a rule"}`,
		"   0.250 go[7]     c1      <- GOAWAY        violation: a rule, NO_ERROR, last stream 7 bye",
	},
	{
		`"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":3,"type":"UNKNOWN_0x2a","flags":[],"length":9,"window":{}}`,
		"   0.250 go[7]     c1    3 <- UNKNOWN_0x2a  9 B",
	},
	{
		`"request","pid":7,"comm":"go","conn":"c1","stream":3,"method":"GET","url":"https://goproxy.example/m/@v/list","protocol":"h2"}`,
		"   0.250 go[7]     c1    3    request       GET https://goproxy.example/m/@v/list",
	},
	{
		`"exchange","pid":7,"comm":"go","conn":"c1","stream":3,"method":"GET","url":"https://goproxy.example/m/@v/list","status":200,"protocol":"h2","reused":true,` +
			`"response_bytes":12345,"dns_ms":0.000,"connect_ms":0.000,"tls_ms":0.000,"send_ms":0.000,"wait_ms":90.000,"receive_ms":10.000,"total_ms":100.000,"redirect":null,"error":null,"retry":null}`,
		"   0.250 go[7]     c1    3    exchange      200 GET https://goproxy.example/m/@v/list in 100 ms, wait 90.0 ms, 12.3 kB",
	},
	{
		`"exchange","pid":7,"comm":"go","conn":"c1","stream":3,"method":null,"url":null,"status":null,"response_bytes":null,"total_ms":null,"error":{"class":"reset","detail":"RST_STREAM CANCEL"},"retry":null}`,
		"   0.250 go[7]     c1    3    exchange      - a request that was not seen in ?, reset: RST_STREAM CANCEL",
	},
	{
		`"stall","pid":7,"comm":"go","conn":"c1","stream":3,"side":"recv_window","window":65535,"start":"2026-11-30T09:00:00.200000000Z","stall_ms":50.000,"ended_by":"DATA"}`,
		"   0.250 go[7]     c1    3    stall         recv_window used up for 50.0 ms, 65.5 kB, until DATA",
	},
	{
		`"verify","pid":7,"comm":"go","conn":"c1","dir":"send","stream":3,"index":0,"want":{"name":"a","value":"b"},"got":null}`,
		"   0.250 go[7]     c1    3 -> verify        want a: b, got none",
	},
	{
		`"loss","reason":"ring_full","records":1,"bytes":null,"conn":"c1"}`,
		"   0.250           c1         loss          1 record lost, ring_full",
	},
	{
		`"summary","duration_ms":2966.700,"processes":1,"conns":2,"frames":0,"exchanges":null,"records":{"seen":950,"delivered":950,"lost":0},"bytes":{"seen":1,"captured":1},"agent":{"cpu_ms":125.100,"max_rss_bytes":6},"signal":"SIGINT"}`,
		"   0.250                      summary       0 of 950 records lost, 1 process, 2 connections, 0 frames, 125 ms CPU in 2.97 s, ended by SIGINT",
	},
	{
		`"summary","duration_ms":2966.700,"processes":0,"conns":2,"frames":0,"exchanges":null,"records":{"seen":1,"delivered":1,"lost":0},"bytes":{"seen":1,"captured":1},"agent":{"cpu_ms":null,"max_rss_bytes":null},"signal":null}`,
		"   0.250                      summary       0 of 1 records lost, 0 processes, 2 connections, 0 frames, in 2.97 s",
	},
	{
		`"exchange","pid":7,"comm":"go","conn":"c1","stream":3,"method":"POST","url":"https://a.example/s/Call","status":200,"wait_ms":1.000,"total_ms":90.000,"response_bytes":0,` +
			`"stall_ms":{"recv_window":0.000,"send_window":80.000},"error":null,"grpc_status":14,"grpc_message":"unavailable","retry":{"attempt":2},"via":"http://p.example:1"}`,
		"   0.250 go[7]     c1    3    exchange      200 POST https://a.example/s/Call in 90.0 ms, grpc 14 unavailable, stalled 80.0 ms by send_window, 0 B, attempt 2, via http://p.example:1",
	},
	{
		`"conn","pid":7,"comm":"go","action":"silent","remote":"192.0.2.1:443","name":null,"state":"connected","silent_ms":30000.000,"last":"send","other_way_ms":40000.000}`,
		"   0.250 go[7]                silent        connected, no data for 30.00 s, the last one send, the other way for 40.00 s: 192.0.2.1:443",
	},
	{`"later","pid":7,"comm":"go","conn":"c1"}`, "   0.250 go[7]     c1         later"},
}

// TestAppend formats an event of each kind. The first one sets the clock.
func TestAppend(t *testing.T) {
	for _, e := range events {
		f := New(Options{})
		f.Append(nil, []byte(`{"v":1,"ts":"2026-11-30T09:00:00.000000000Z","event":"later"}`))
		if got := string(f.Append(nil, []byte(begin+e.line))); got != e.text {
			t.Errorf("%s\ngot  %q\nwant %q", e.line, got, e.text)
		}
	}
}

// TestColumns formats events for terminals of all widths, in colour too. No line is wider, and
// without its colours it is the same. Where there is room, it is whole.
func TestColumns(t *testing.T) {
	colours := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for limit := 1; limit < 200; limit++ {
		columns := func() int { return limit }
		narrow, coloured := New(Options{Columns: columns}), New(Options{Columns: columns, Color: true})
		for _, e := range events {
			line := []byte(begin + strings.ReplaceAll(e.line, "goproxy.example", "漢字.example"))
			got := narrow.Append(nil, line)
			for row := range bytes.SplitSeq(bytes.ReplaceAll(got, []byte("\t"), []byte("        ")), []byte("\n")) {
				if n := columnsOf(row); n > limit {
					t.Errorf("%d columns of %d: %s", n, limit, got)
				}
			}
			inColour := coloured.Append(nil, line)
			if plain := colours.ReplaceAll(inColour, nil); !bytes.Equal(plain, got) {
				t.Errorf("in colour %q, else %q", plain, got)
			}
			whole := New(Options{}).Append(nil, line)
			if limit > columnsOf(whole)+3 && bytes.Contains(got, []byte(ellipsis)) != bytes.Contains(whole, []byte(ellipsis)) {
				t.Errorf("cut at %d columns: %s", limit, got)
			}
		}
	}
}

// TestFacts has lines that do not fit. What matters stays, and there is a sign of what does not.
func TestFacts(t *testing.T) {
	joined := strings.NewReplacer("\n\t", " ", ",", "", ":", "") // what is at the end of a line
	const long = "a-very-long-name-of-something/that/goes/on/and/on/and/on/without/an/end"
	for _, tt := range []struct {
		line string
		want []string
	}{
		{
			`"exchange","pid":7,"comm":"go","conn":"c1","stream":3,"method":"GET","url":"https://goproxy.example/` + long + `/@v/v1.0.0.zip","status":503,"response_bytes":12345,` +
				`"wait_ms":29000.000,"total_ms":30000.000,"redirect":"https://b.example/` + long + `","error":{"class":"http_5xx","detail":"` + long + `"}}`,
			[]string{"503 GET ", "/v1.0.0.zip in 30.00 s, http_5xx: a", ellipsis},
		},
		{`"process","pid":7,"comm":"go","action":"error","module":{"path":"m.example/` + long + `","version":"v1.0.0"},"error":{"class":"checksum","detail":"mismatch"}}`, []string{"m.exam", "@v1.0.0: checksum: mismatch"}},
		{`"process","pid":7,"comm":"x","action":"skipped","exe":"/` + long + `","reason":"not a Go program"}`, []string{": not a Go program"}},
		{`"conn","pid":7,"comm":"go","action":"dns","remote":"192.0.2.53:53","dns_ms":5000.000,"name":"` + long + `","type":"A","rcode":"SERVFAIL"}`, []string{" A: SERVFAIL in 5.00 s"}},
		{`"conn","pid":7,"comm":"go","action":"failed","remote":"192.0.2.1:443","name":"` + long + `","connect_ms":30000.000,"error":{"class":"connect","detail":"ETIMEDOUT"}}`, []string{"connect: ETIMEDOUT", "connect 30.00 s"}},
		{
			`"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":3,"type":"DATA","flags":["END_STREAM"],"data_length":54,"window":{"conn_recv":-50},"truncated":true,"violation":"` + long + `"}`,
			[]string{"violation: a-ve", "54 B END_STREAM, window -50", "truncated"},
		},
		{
			`"summary","duration_ms":2966.700,"processes":12,"conns":34,"frames":120900,"exchanges":5600,"records":{"seen":250000,"lost":1000},"agent":{"cpu_ms":125.100},"verify":{"mismatches":42,"unchecked":0}}`,
			[]string{"1000 of 250000 records lost, 42 header blocks were not equal"},
		},
		{`"summary","duration_ms":1.000,"records":{"seen":3,"lost":0},"agent":{"cpu_ms":1.000},"packets":{"written":4,"lost":1}}`, []string{"0 of 3 records lost, 1 packet not written"}},
	} {
		for _, limit := range []int{80, 100, 124} {
			f := New(Options{Columns: func() int { return limit }})
			got := string(f.Append(nil, []byte(begin+tt.line)))
			for _, want := range tt.want {
				if !strings.Contains(joined.Replace(got), joined.Replace(want)) {
					t.Errorf("%d columns: no %q in\n%s", limit, want, got)
				}
			}
		}
	}
}

// TestFailed has what failed on several lines, of whole words. The last one is of a capture.
func TestFailed(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{
			`"process","pid":7,"comm":"go","action":"error","module":{"path":"m.example","version":"v1.0.0"},"error":{"class":"checksum",` +
				`"detail":"verifying module: checksum mismatch, downloaded: h1:aaaaaaaaaaaaaa, go.sum: h1:bbbbbbbbbbbbbb, which is the end"}}`,
			"   0.000 go[7]                error         m.example@v1.0.0: checksum:\n" +
				"\tverifying module: checksum mismatch, downloaded: h1:aaaaaaaaaaaaaa,\n\tgo.sum: h1:bbbbbbbbbbbbbb, which is the end",
		},
		{
			`"exchange","pid":7,"comm":"go","conn":"c1","stream":3,"method":"GET","url":"https://a.example/a/path/that/goes/on/@v/v1.0.0.zip","status":null,"total_ms":1.000,` +
				`"error":{"class":"timeout","detail":"no response within 30 seconds while the connection was alive and well"}}`,
			"   0.000 go[7]     c1    3    exchange      - GET …th/that/goes/on/@v/v1.0.0.zip\n" +
				"\tin 1.0 ms, timeout: no response within 30 seconds while the connection\n\twas alive and well",
		},
		{
			`"frame","pid":null,"comm":null,"conn":"c1","dir":"recv","stream":3,"type":"UNKNOWN_0x2a_OF_LATER","flags":[],"length":5,"violation":"a rule"}`,
			"   0.000 -         c1    3 <- UNKNOWN_0x2a_OF_LATER violation: a rule, 5 B",
		},
	} {
		f := New(Options{Columns: func() int { return 80 }})
		if got := string(f.Append(nil, []byte(begin+tt.line))); got != tt.want {
			t.Errorf("got\n%s\nwant\n%s", got, tt.want)
		}
	}
}

// TestWidth has a verb that is wider than others. Its line is as wide as the terminal at most.
func TestWidth(t *testing.T) {
	const line = begin + `"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":0,"type":"PRIORITY_UPDATE","prioritized_stream":5,"field_value":"u=1, i, and more","violation":`
	for _, violation := range []string{"null", `"a rule that is broken, which takes more words"`} {
		for limit := 40; limit < 120; limit++ {
			f := New(Options{Columns: func() int { return limit }})
			for row := range strings.SplitSeq(string(f.Append(nil, []byte(line+violation+"}"))), "\n") {
				if n := columnsOf([]byte(strings.ReplaceAll(row, "\t", "        "))); n > limit {
					t.Errorf("%d columns, want %d at most: %s", n, limit, row)
				}
			}
		}
	}
}

// TestElide has a URL that is too long. Its host and its end stay, or its end alone.
func TestElide(t *testing.T) {
	for limit, want := range map[int]string{
		100: "   0.000 go[7]     c1    3    request       GET https://goproxy.example/…/that/goes/on/@v/v1.0.0.zip",
		80:  "   0.000 go[7]     c1    3    request       GET …path/that/goes/on/@v/v1.0.0.zip",
	} {
		f := New(Options{Columns: func() int { return limit }})
		got := string(f.Append(nil, []byte(begin+`"request","pid":7,"comm":"go","conn":"c1","stream":3,"method":"GET","url":"https://goproxy.example/a/very/long/module/path/that/goes/on/@v/v1.0.0.zip"}`)))
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestLongName has a process with a name that is all escapes. It takes no line from others.
func TestLongName(t *testing.T) {
	f := New(Options{Columns: func() int { return 80 }})
	f.Append(nil, []byte(begin+`"process","pid":7,"comm":"`+strings.Repeat(`\u001b`, 15)+`","action":"exec","exe":"x"}`))
	got := string(f.Append(nil, []byte(begin+`"exchange","pid":8,"comm":"go","conn":"c1","stream":3,"method":"GET","url":"https://a.example/x","status":200,"total_ms":1.000}`)))
	if first, rest, _ := strings.Cut(got, "\n\t"); !strings.HasSuffix(first+" "+rest, "exchange      200 GET https://a.example/x in 1.0 ms") || columnsOf([]byte(first)) > 80 {
		t.Errorf("got %s", got)
	}
}

// TestRuns has two runs, and what is printed of them only in part. The clock of each begins
// with its first event.
func TestRuns(t *testing.T) {
	at := func(seconds, event string) []byte {
		return []byte(`{"v":1,"ts":"2026-11-30T09:00:` + seconds + `00000000Z","event":"` + event + `","records":{"seen":1,"lost":0},"agent":{}}`)
	}
	f := New(Options{})
	f.Skip(at("00.0", "process"))
	for _, tt := range []struct{ at, event, want string }{
		{"01.5", "later", "   1.500 "}, {"01.9", "summary", "   1.900 "}, {"10.0", "later", "   0.000 "}, {"09.5", "later", "  -0.500 "},
	} {
		if got := string(f.Append(nil, at(tt.at, tt.event))); !strings.HasPrefix(got, tt.want) {
			t.Errorf("got %q, want it to begin with %q", got, tt.want)
		}
	}
	if got := string(f.Append(nil, []byte(`{"v":1,"event":"later"}`))); !strings.HasPrefix(got, "       ? ") {
		t.Errorf("without a time: %q", got)
	}
}

// TestVerbose prints the headers of a frame, each on a line that begins with a tab.
func TestVerbose(t *testing.T) {
	f := New(Options{Verbose: true})
	got := string(f.Append(nil, []byte(begin+`"frame","dir":"recv","stream":1,"type":"HEADERS","flags":["END_HEADERS"],"headers":[{"name":":status","value":"200"},{"name":"x","value":"a\u001bb"}]}`)))
	if want := "\n\tflags: END_HEADERS\n\t:status: 200\n\tx: a\\x1bb"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want the end %q", got, want)
	}
}

// FuzzAppend formats anything. Nothing of it acts on a terminal, nor looks like another line: those
// after the first begin with a tab.
func FuzzAppend(f *testing.F) {
	for _, e := range events {
		f.Add([]byte(begin + e.line))
	}
	f.Add([]byte(begin + "\"conn\",\"pid\":\x1b[2J,\"conn\":\"\x9b\",\"stream\":\xe2\x80\xae,\"action\":\"\\u001b\"}"))
	f.Add([]byte(begin + "\"frame\",\"type\":\"\\u202e\",\"flags\":[\"\\u0007\"],\"settings\":{\"\x07\":\x1b},\"headers\":[{\"name\":\"\\n\",\"value\":\"\xff\"}]}"))
	f.Add([]byte("no event \x1b[31m"))
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, verbose := range []bool{false, true} {
			text := New(Options{Verbose: verbose, Columns: func() int { return 60 }}).Append(nil, bytes.ReplaceAll(line, []byte("\n"), nil))
			for rest := bytes.ReplaceAll(text, []byte("\n\t"), nil); len(rest) > 0; {
				r, size := utf8.DecodeRune(rest)
				if !unicode.IsPrint(r) || r == utf8.RuneError && size == 1 {
					t.Fatalf("%q in %q", r, text)
				}
				rest = rest[size:]
			}
		}
	})
}
