package har

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// archive is an archive as its readers see it.
type archive struct {
	Log struct {
		Version string
		Entries []archived
	}
}

type archived struct {
	Started time.Time `json:"startedDateTime"`
	Time    float64
	Request struct {
		Method, URL string
		Headers     []struct{ Name, Value string }
		Cookies     []struct{ Name, Value string }
		Query       []struct{ Name, Value string } `json:"queryString"`
		BodySize    int64
		PostData    *struct{ MimeType, Text string }
	}
	Response struct {
		Status   int
		Headers  []struct{ Name, Value string }
		Cookies  []struct{ Name, Value, Expires string }
		BodySize int64
		Content  struct {
			Size                              int64
			MimeType, Text, Encoding, Comment string
		}
		Transfer int64  `json:"_transferSize"`
		Error    string `json:"_error"`
	}
	Timings struct {
		Blocked, DNS, Connect, SSL, Send, Wait, Receive float64
		Unknown                                         []string `json:"_unknown"`
	}
	Server     string `json:"serverIPAddress"`
	Connection string
	Stream     int `json:"_stream"`
}

// converted returns the archive of some lines, and demands of it what readers do.
func converted(t testing.TB, lines string) []archived {
	t.Helper()
	var b bytes.Buffer
	h := New(&b, "v1")
	for line := range strings.Lines(lines) {
		if _, err := h.Take([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	var a archive
	if err := json.Unmarshal(b.Bytes(), &a); err != nil {
		t.Fatalf("%v\n%.2000s", err, b.Bytes())
	}
	if a.Log.Version != "1.2" {
		t.Errorf("version %q", a.Log.Version)
	}
	var last time.Time
	for _, e := range a.Log.Entries {
		if e.Started.Before(last) {
			t.Errorf("%s comes after %s", e.Started, last)
		}
		last = e.Started
		sum := e.Timings.Send + e.Timings.Wait + e.Timings.Receive
		for _, optional := range []float64{e.Timings.Blocked, e.Timings.DNS, e.Timings.Connect} {
			sum += max(optional, 0)
		}
		if math.Abs(sum-e.Time) > 1e-6*max(1, sum) || e.Timings.SSL > e.Timings.Connect || min(e.Timings.Send, e.Timings.Wait, e.Timings.Receive) < 0 {
			t.Errorf("time %v of %+v", e.Time, e.Timings)
		}
		if _, err := url.Parse(e.Request.URL); err != nil && !strings.Contains(e.Request.URL, "%") {
			t.Logf("%v", err) // net/url is stricter than RFC 3986
		}
	}
	return a.Log.Entries
}

const recording = `{"v":1,"ts":"2026-01-01T00:00:00.000000000Z","event":"conn","pid":7,"conn":"c1","action":"open","local":"192.0.2.2:4000","remote":"[2001:db8::1]:443","role":"client"}
{"v":1,"ts":"2026-01-01T00:00:01.000000000Z","event":"frame","pid":7,"conn":"c1","dir":"send","stream":1,"type":"HEADERS","length":30,"headers":[{"name":":method","value":"POST"},{"name":":path","value":"/a"},{"name":"content-type","value":"text/x"},{"name":"cookie","value":"a=b; c=d"},{"name":"authorization","value":"<redacted>"}]}
{"v":1,"ts":"2026-01-01T00:00:01.000000000Z","event":"request","pid":7,"conn":"c1","stream":1,"method":"POST","url":"https://goproxy.example/a?x=1&y=%20z&bare"}
{"v":1,"ts":"2026-01-01T00:00:01.001000000Z","event":"frame","pid":7,"conn":"c1","dir":"send","stream":1,"type":"DATA","length":5,"data_length":5,"body":"hallo"}
{"v":1,"ts":"2026-01-01T00:00:01.002000000Z","event":"request","pid":7,"conn":"c1","stream":3,"method":"GET","url":"https://goproxy.example/never#x"}
{"v":1,"ts":"2026-01-01T00:00:01.003000000Z","event":"frame","pid":7,"conn":"c1","dir":"recv","stream":1,"type":"HEADERS","length":10,"headers":[{"name":":status","value":"103"},{"name":"link","value":"x"}]}
{"v":1,"ts":"2026-01-01T00:00:01.003000000Z","event":"frame","pid":7,"conn":"c1","dir":"recv","stream":1,"type":"HEADERS","length":11,"headers":[{"name":":status","value":"200"},{"name":"content-type","value":"text/plain"},{"name":"set-cookie","value":"s=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT"},{"name":"x-odd","value":"\ufffd","value_b64":"/w=="}]}
{"v":1,"ts":"2026-01-01T00:00:01.004000000Z","event":"frame","pid":7,"conn":"c1","dir":"recv","stream":1,"type":"DATA","length":3,"data_length":3,"body_b64":"w7bD"}
{"v":1,"ts":"2026-01-01T00:00:01.004000000Z","event":"frame","pid":7,"conn":"c1","dir":"recv","stream":1,"type":"DATA","length":9,"data_length":9,"body":"tr"}
{"v":1,"ts":"2026-01-01T00:00:01.005000000Z","event":"frame","pid":7,"conn":"c1","dir":"recv","stream":1,"type":"HEADERS","length":4,"headers":[{"name":"trailer","value":"t"}]}
{"v":1,"ts":"2026-01-01T00:00:01.006000000Z","event":"exchange","pid":7,"conn":"c1","stream":1,"method":"POST","url":"https://goproxy.example/a?x=1&y=%20z&bare","status":200,"protocol":"h2","reused":false,"request_bytes":5,"response_bytes":12,"dns_ms":1.000,"connect_ms":2.000,"tls_ms":3.000,"send_ms":1.000,"wait_ms":2.000,"receive_ms":3.000,"error":null,"start":"2026-01-01T00:00:01.000000000Z"}
{"v":1,"ts":"2026-01-01T00:00:02.000000000Z","event":"exchange","pid":7,"conn":"c9","stream":0,"method":"GET","url":"http://other.example/ö|","status":null,"protocol":"http/1.1","reused":true,"request_bytes":0,"response_bytes":null,"dns_ms":0,"connect_ms":0,"tls_ms":0,"send_ms":1.000,"wait_ms":null,"receive_ms":null,"error":{"class":"reset","detail":"by peer"},"start":"2026-01-01T00:00:00.500000000Z"}
`

// TestEntries converts a request with all its parts, one that failed, and one without an end.
func TestEntries(t *testing.T) {
	list := converted(t, recording)
	if len(list) != 3 {
		t.Fatalf("%d entries", len(list))
	}
	failed, whole, cut := list[0], list[1], list[2]
	type short struct {
		Started, Method, URL, Server, Connection, Error string
		Status                                          int
		Sent, Received                                  int64
		Time                                            float64
	}
	of := func(e archived) short {
		return short{
			e.Started.Format("05.000000"), e.Request.Method, e.Request.URL, e.Server, e.Connection, e.Response.Error,
			e.Response.Status, e.Request.BodySize, e.Response.BodySize, e.Time,
		}
	}
	want := []short{
		{"00.500000", "GET", "http://other.example/%C3%B6%7C", "", "c9", "reset: by peer", 0, 0, -1, 1},
		{"00.994000", "POST", "https://goproxy.example/a?x=1&y=%20z&bare", "2001:db8::1", "c1", "", 200, 5, 12, 12},
		{"01.002000", "GET", "https://goproxy.example/never", "2001:db8::1", "c1", "unfinished: the recording ends before", 0, -1, -1, 998},
	}
	if diff := cmp.Diff(want, []short{of(failed), of(whole), of(cut)}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	got := fmt.Sprint(whole.Request.Headers, whole.Request.Cookies, whole.Request.Query, *whole.Request.PostData,
		whole.Response.Headers, whole.Response.Cookies, whole.Response.Content, whole.Response.Transfer, whole.Timings, whole.Stream)
	wantRest := `[{:method POST} {:path /a} {content-type text/x} {cookie a=b; c=d} {authorization <redacted>}] [{a b} {c d}] ` +
		`[{x 1} {y  z} {bare }] {text/x hallo}` +
		" [{:status 200} {content-type text/plain} {set-cookie s=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT} {x-odd \ufffd} {trailer t}] [{s 1 2026-10-21T07:28:00Z}] " +
		"{12 text/plain w7bDdHI= base64 only the first bytes of it were recorded} 82 {-1 1 5 3 1 2 3 []} 1"
	if got != wantRest {
		t.Errorf("got  %s\nwant %s", got, wantRest)
	}
}

// TestOverlap converts an exchange whose response began before its request ended, as one that echoes.
// The entry ends when the exchange does.
func TestOverlap(t *testing.T) {
	list := converted(t, `{"v":1,"ts":"2026-01-01T00:00:00.022500000Z","event":"exchange","pid":7,"conn":"c1","stream":13,"method":"POST","url":"https://goproxy.example/echo","status":200,"protocol":"h2","reused":true,"request_bytes":30000,"response_bytes":30000,"send_ms":18.000,"wait_ms":0.000,"receive_ms":21.500,"error":null,"start":"2026-01-01T00:00:00.000000000Z"}`+"\n")
	if len(list) != 1 {
		t.Fatalf("%d entries", len(list))
	}
	if e := list[0]; e.Time != 22.5 || e.Timings.Send != 18 || e.Timings.Receive != 4.5 {
		t.Errorf("%v ms, %+v", e.Time, e.Timings)
	}
}

// TestMessages converts messages that are special in one way each.
func TestMessages(t *testing.T) {
	const begin = `{"v":1,"ts":"2026-01-01T00:00:01.000000000Z","pid":7,"conn":"c1","event":`
	const end = begin + `"exchange","stream":2,"method":"GET","url":"https://goproxy.example/","status":200,"response_bytes":4,"send_ms":1.000,"wait_ms":null}`
	status := func(fields string) string {
		return begin + `"frame","dir":"recv","stream":2,"type":"HEADERS","headers":[{"name":":status","value":"200"}` + fields + `]}` + "\n"
	}
	data := func(body string) string {
		return begin + `"frame","dir":"recv","stream":2,"type":"DATA","data_length":4,` + body + "}\n"
	}
	const promise = begin + `"frame","dir":"recv","stream":1,"promised_stream":2,"type":"PUSH_PROMISE","headers":[{"name":":path","value":"/pushed"}]}` + "\n"
	const asked = begin + `"frame","dir":"recv","stream":2,"type":"HEADERS","headers":[{"name":":path","value":"/"}]}` + "\n"
	const served = begin + `"conn","action":"open","role":"server","local":"192.0.2.1:443","remote":"192.0.2.9:4000"}` + "\n"
	for name, c := range map[string]struct{ lines, want string }{
		"encoded": {
			status(`,{"name":"content-encoding","value":"gzip"}`) + data(`"body":"text"`),
			` [] [{:status 200} {content-encoding gzip}] {-1  dGV4dA== base64 as it was sent, with content-encoding gzip}`,
		},
		"identity":            {status(`,{"name":"content-encoding","value":"Identity"}`) + data(`"body":"text"`), ` [] [{:status 200} {content-encoding Identity}] {4  text  }`},
		"cut in a character":  {data(`"body_b64":"YcO2w7Y="`) + data(`"body_b64":"YsM="`), ` [] [] {4  aööb  only the first bytes of it were recorded}`},
		"promised":            {promise + data(`"body":"text"`), ` [{:path /pushed}] [] {4  text  }`},
		"of a server":         {served + asked, `192.0.2.1 [{:path /}] [] {4    }`},
		"without a beginning": {data(`"body":"text"`), ` [] [] {4  text  }`},
		"sent, without one":   {strings.Replace(data(`"body":"text"`), "recv", "send", 1), ` [] [] {4    }`},
	} {
		e := converted(t, c.lines+end)[0]
		if got := fmt.Sprint(e.Server, " ", e.Request.Headers, " ", e.Response.Headers, " ", e.Response.Content); got != c.want {
			t.Errorf("%s: got  %s\nwant %s", name, got, c.want)
		}
		if diff := cmp.Diff([]string{"wait", "receive"}, e.Timings.Unknown); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	large := data(`"data_length":1,"body":"x"`) + strings.Repeat(data(`"data_length":1048576,"body":"`+strings.Repeat("ö", 1<<19)+`"`), maxBody>>20)
	if body := converted(t, large+end)[0].Response.Content; len(body.Text) != maxBody-1 || body.Encoding != "" {
		t.Errorf("a body of %d bytes (%s), want all whole characters of %d", len(body.Text), body.Encoding, maxBody)
	}
}

// TestPending has more bodies under way than are kept.
func TestPending(t *testing.T) {
	var b bytes.Buffer
	h := New(&b, "v1")
	body := strings.Repeat("x", 1<<20)
	const n = 2 * maxPending >> 20
	for i := range n {
		line := fmt.Sprintf(`{"v":1,"ts":"2026-01-01T00:00:01.000000000Z","event":"frame","conn":"c1","dir":"recv","stream":%d,"type":"DATA","length":%d,"data_length":%d,"body":%q}`,
			2*i+1, len(body), len(body), body)
		if isEvent, err := h.Take([]byte(line)); !isEvent || err != nil {
			t.Fatal(isEvent, err)
		}
		if h.held > maxPending {
			t.Fatalf("%d bytes are held", h.held)
		}
	}
	if h.LeftOut < n/2 || h.pending.Len() == 0 {
		t.Errorf("%d of %d are left out, %d are kept", h.LeftOut, n, h.pending.Len())
	}
	h.EndFile()
	if h.held != 0 {
		t.Errorf("%d bytes are held by nobody", h.held)
	}
}

// FuzzArchive demands an archive of whatever is read.
func FuzzArchive(f *testing.F) {
	f.Add(recording)
	f.Add(strings.ReplaceAll(recording, "recv", "send"))
	f.Add(strings.ReplaceAll(recording, `"value":"`, `"value":"\ud800`))
	f.Add(strings.ReplaceAll(recording, "https://goproxy.example/", "?=%zz&&\x00\xff"))
	f.Add(strings.ReplaceAll(recording, "2026-01-01T00:00:02", "9999-12-31T23:59:59"))
	f.Add(strings.ReplaceAll(recording, ".000,", "e12,"))
	f.Fuzz(func(t *testing.T, lines string) { converted(t, lines) })
}

func BenchmarkArchive(b *testing.B) {
	lines := bytes.SplitAfter([]byte(recording), []byte("\n"))
	b.SetBytes(int64(len(recording)))
	b.ReportAllocs()
	h := New(bytes.NewBuffer(nil), "v1")
	b.Cleanup(func() { _ = h.Close() })
	for b.Loop() {
		for _, line := range lines {
			if _, err := h.Take(line); err != nil {
				b.Fatal(err)
			}
		}
	}
}
