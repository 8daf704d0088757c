package page_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"h2trace/export/report"
)

// recordedDownload is a go mod download, and then a program whose windows are small, through a
// proxy some 60 ms away.
const recordedDownload = "../testdata/download.jsonl.gz"

// pageOf returns the page of a file of events.
func pageOf(t testing.TB, events string) []byte {
	t.Helper()
	f, err := os.Open(events)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := report.NewBuilder()
	b.HTML()
	if err := b.Read(f); err != nil {
		t.Fatal(err)
	}
	return written(t, b)
}

// pageOfText returns the page of events.
func pageOfText(t testing.TB, events string) []byte {
	t.Helper()
	b := report.NewBuilder()
	b.HTML()
	if err := b.Read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	return written(t, b)
}

func written(t testing.TB, b *report.Builder) []byte {
	t.Helper()
	var page bytes.Buffer
	if err := b.WriteHTML(&page, b.Report()); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

// file writes a page to a file.
func file(t testing.TB, page []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(name, page, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// events writes events of a run, with times in microseconds from its begin.
type events struct{ strings.Builder }

func (w *events) line(us int64, kind, format string, args ...any) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(us) * time.Microsecond)
	fmt.Fprintf(&w.Builder, `{"v":1,"ts":%q,"event":%q,"pid":7,"comm":"go",%s}`+"\n", at.Format("2006-01-02T15:04:05.000000000Z"), kind, fmt.Sprintf(format, args...))
}

func (w *events) begin() {
	w.line(0, "process", `"action":"exec","ppid":1,"exe":"/usr/lib/go/bin/go"`)
}

func (w *events) end(us int64) {
	w.line(us, "process", `"action":"exit","exit_code":0,"duration_ms":%d,"cpu_ms":9`, us/1000)
	w.line(us, "summary", `"exchanges":1,"command":7`)
}

func (w *events) open(us int64, conn int) {
	w.line(us, "conn", `"conn":"c%d","action":"open","remote":"203.0.113.80:443","role":"client","joined":"start","tls":{"version":"TLS 1.3"},`+
		`"dns_ms":1.2,"connect_ms":2.5,"tls_ms":8.1,"name":"goproxy.example"`, conn)
}

func (w *events) exchange(begin, wait, receive int64, conn, stream int, url string, status int) {
	failure := "null"
	if status >= 400 {
		failure = `{"class":"http_4xx","detail":"Not Found"}`
	}
	kind := url[strings.LastIndexByte(url, '.')+1:]
	w.line(begin+wait+receive, "exchange", `"conn":"c%d","stream":%d,"method":"GET","url":%q,"status":%d,"protocol":"h2","reused":true,"request_bytes":0,`+
		`"response_bytes":%d,"dns_ms":0,"connect_ms":0,"tls_ms":0,"send_ms":0,"wait_ms":%.3f,"receive_ms":%.3f,"total_ms":%.3f,"stall_ms":{"recv_window":0,"send_window":0},`+
		`"module":{"path":"example.com/m","version":"v1.0.0","kind":%q,"proxy":"https://goproxy.example"},"error":%s`,
		conn, stream, url, status, receive*3, float64(wait)/1e3, float64(receive)/1e3, float64(wait+receive)/1e3, kind, failure)
}

// largeDownload is the download of many modules over eight connections.
func largeDownload(exchanges int) string {
	w, r := new(events), rand.New(rand.NewPCG(1, 2))
	w.begin()
	var lanes [32]int64
	for i := range lanes {
		lanes[i] = 20_000
		if i < 8 {
			w.open(5000+int64(i)*1000, i+1)
		}
	}
	last := int64(0)
	for i := range exchanges {
		lane := 0
		for k, at := range lanes {
			if at < lanes[lane] {
				lane = k
			}
		}
		begin, wait, receive := lanes[lane]+r.Int64N(800), 2000+r.Int64N(20_000), 100+r.Int64N(3000)
		status := 200
		if i%100 == 99 {
			status = 404
		}
		conn, stream := lane%8+1, 2*i+1
		for k := range 3 {
			w.line(begin+wait+receive*int64(k)/3, "frame", `"conn":"c%d","dir":"recv","stream":%d,"type":"DATA","window":{"conn_send":65535,"conn_recv":%d,"stream_send":65535,"stream_recv":%d}`,
				conn, stream, 1<<30-i, 4<<20-k<<14)
		}
		url := fmt.Sprintf("https://goproxy.example/example.com/organisation%d/module%d/@v/v1.%d.0.%s", i%97, i/3, i%13, []string{"info", "mod", "zip"}[i%3])
		w.exchange(begin, wait, receive, conn, stream, url, status)
		lanes[lane] = begin + wait + receive
		last = max(last, lanes[lane])
	}
	w.end(last + 30_000)
	return w.String()
}
