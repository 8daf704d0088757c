package otlp

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// FuzzLine takes whatever lines there are. It never fails, the counts add up, and a
// collector that is strict takes all messages.
func FuzzLine(f *testing.F) {
	f.Add(execLine + "\n" + openLine + "\n" + exchangeLine(okKeys))
	f.Add(`{"v":1,"ts":"2026-11-30T12:00:00.000000000Z","event":"stall","conn":"c1","stream":-1,"start":"0001-01-01T00:00:00.000000000Z","stall_ms":1e12}` + "\n" + exchangeLine(`"url":"%zz://[::1","traceparent":"00","status":9e9`))
	f.Add(execLine + "\n" + exchangeLine("\"method\":\"\xff\",\"url\":\"https://\xc3/%ff\",\"error\":{\"class\":\"reset\",\"detail\":\"\xed\xa0\x80\"}"))
	f.Add(`{"v":1,"ts":"9999-12-31T23:59:59.999999999Z","event":"conn","conn":"c1","action":"failed","dns_ms":999999999999.999,"tls":{]}`)
	for _, line := range recording(f)[:60] {
		f.Add(line)
	}
	var refused atomic.Value
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = proto.Unmarshal(body, &tracepb.TracesData{})
		}
		if err != nil {
			refused.Store(err)
		}
	}))
	f.Cleanup(collector.Close)
	f.Fuzz(func(t *testing.T, lines string) {
		x, _ := start(t, collector.URL)
		var most uint64
		for line := range strings.Lines(lines) {
			x.Line([]byte(line))
			most += 5 // a connection with its phases
		}
		totals := x.Close(time.Minute)
		if n := totals.Spans.Sent + totals.Spans.Dropped + totals.Spans.Rejected; n > most {
			t.Errorf("%+v of %d lines", totals, most/5)
		}
		if err := refused.Load(); err != nil {
			t.Errorf("the collector refuses a message: %v", err)
		}
	})
}

// FuzzHeaders has no list of fields make a request that net/http refuses.
func FuzzHeaders(f *testing.F) {
	f.Add("api-key=secret,x=%20y")
	f.Add("a=b%0d%0aevil: 1")
	f.Fuzz(func(t *testing.T, list string) {
		s := settings{header: make(http.Header)}
		if !s.addHeaders(list) {
			return
		}
		for name, values := range s.header {
			if name == "" || strings.ContainsAny(name+values[0], "\r\n\x00") {
				t.Errorf("%q: %q", name, values)
			}
		}
	})
}
