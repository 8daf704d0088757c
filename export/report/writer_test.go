package report

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// writer writes events as a run would have.
type writer struct{ strings.Builder }

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// at is a time in milliseconds from the beginning.
func at(ms float64) string {
	return epoch.Add(time.Duration(ms * 1e6)).Format("2006-01-02T15:04:05.000000000Z")
}

func (w *writer) line(ms float64, kind, rest string, args ...any) {
	fmt.Fprintf(&w.Builder, `{"v":1,"ts":"%s","event":"%s",%s}`+"\n", at(ms), kind, fmt.Sprintf(rest, args...))
}

func (w *writer) command(begin float64) {
	w.line(begin, "process", `"pid":7,"comm":"go","action":"exec","ppid":1,"exe":"/usr/bin/go"`)
	w.line(begin, "process", `"pid":7,"comm":"go","action":"attached","ppid":1,"exe":"/usr/bin/go"`)
}

func (w *writer) exit(ms float64, status int) {
	w.line(ms, "process", `"pid":7,"comm":"go","action":"exit","ppid":1,"exe":null,"exit_code":%d`, status)
	w.line(ms+1, "summary", `"duration_ms":%.3f,"records":{"seen":1,"delivered":1,"lost":0}`, ms+1)
}

// exchange is one that begins at a time, with its phases in milliseconds.
type exchange struct {
	begin, dns, connect, tls, send, wait, receive, recvStall, sendStall float64

	conn, url, module, kind, class  string
	proxy, next, after, via, method string
	barred                          string // empty: there is no such key
	version                         string // empty is v1.0.0
	status                          int    // 0 is 200
	bytes                           int64
	open                            bool
	more                            string // keys after via
}

// noStatus is for an exchange that was not answered.
const noStatus = -1

func (w *writer) exchange(x exchange) {
	total := x.dns + x.connect + x.tls + x.send + x.wait + x.receive
	if x.conn == "" {
		x.conn = "c1"
	}
	if x.status == 0 {
		x.status = 200
	}
	if x.method == "" {
		x.method = "GET"
	}
	module, failure := "null", "null"
	if x.kind != "" {
		if x.version == "" {
			x.version = "v1.0.0"
		}
		module = fmt.Sprintf(`{"path":%q,"version":%q,"kind":%q,"proxy":%q,"next":%q%s}`, x.module, x.version, x.kind, x.proxy, x.next, barred(x.barred))
	}
	if x.class != "" {
		failure = fmt.Sprintf(`{"class":%q,"detail":"why"}`, x.class)
	}
	retry := "null"
	if x.after != "" {
		retry = fmt.Sprintf(`{"attempt":2,"conn":"c1","stream":1,"class":%q}`, x.after)
	}
	status := fmt.Sprint(x.status)
	if x.status == noStatus {
		status = "null"
	}
	open := x.more
	if x.open {
		open += `,"open":true`
	}
	w.line(x.begin+total, "exchange", `"pid":7,"comm":"go","conn":%q,"stream":1,"method":%q,"url":%q,"status":%s,"protocol":"h2","reused":true,`+
		`"request_bytes":0,"response_bytes":%d,"dns_ms":%.3f,"connect_ms":%.3f,"tls_ms":%.3f,"send_ms":%.3f,"wait_ms":%.3f,"receive_ms":%.3f,`+
		`"total_ms":%.3f,"stall_ms":{"recv_window":%.3f,"send_window":%.3f},"redirect":null,"module":%s,"error":%s,"start":%q,"retry":%s,"via":%q%s`,
		x.conn, x.method, x.url, status, x.bytes, x.dns, x.connect, x.tls, x.send, x.wait, x.receive, total, x.recvStall, x.sendStall,
		module, failure, at(x.begin), retry, x.via, open)
}

func barred(entry string) string {
	if entry == "" {
		return ""
	}
	return fmt.Sprintf(`,"barred":%q`, entry)
}

// unreached is a connection to a proxy in GOPROXY that was tried for 5 ms.
func (w *writer) unreached(ms float64, remote, class, proxy, next, bars string) {
	name := strings.TrimPrefix(strings.TrimPrefix(proxy, "https://"), "http://")
	if i := strings.IndexAny(name, ":/"); i >= 0 {
		name = name[:i]
	}
	w.line(ms, "conn", `"pid":7,"comm":"go","action":"failed","local":null,"remote":%q,"dns_ms":null,"connect_ms":5.000,"name":%q,`+
		`"error":{"class":%q,"detail":"ECONNREFUSED"},"proxy":%q,"next":%q%s`, remote, name, class, proxy, next, barred(bars))
}

func (w *writer) close(ms float64, conn string, rtt float64, retransmits int) {
	w.closePath(ms, conn, rtt, rtt, retransmits, 0)
}

// closePath closes a connection of 1000 segments, whose holes are not known.
func (w *writer) closePath(ms float64, conn string, rtt, least float64, retransmits, outOfOrder int) {
	w.closeHoles(ms, conn, rtt, least, retransmits, outOfOrder, "null")
}

func (w *writer) closeHoles(ms float64, conn string, rtt, least float64, retransmits, outOfOrder int, holes string) {
	w.line(ms, "conn", `"pid":7,"comm":"go","conn":%q,"action":"close","rtt_ms":%.3f,"retransmits":%d,"frames":9,"min_rtt_ms":%.3f,`+
		`"out_of_order":%d,"segments_sent":300,"segments_received":700,"holes":%s`, conn, rtt, retransmits, least, outOfOrder, holes)
}

// attached begins a run with a process that was running before.
func (w *writer) attached(ms float64) {
	w.line(ms, "process", `"pid":7,"comm":"gopls","action":"attached","ppid":1,"exe":"/usr/bin/gopls"`)
}

// tool is a process of another program.
func (w *writer) tool(begin, end float64, pid int, exe, args string, status int) {
	w.line(begin, "process", `"pid":%d,"comm":"x","action":"exec","ppid":7,"exe":%q%s`, pid, exe, args)
	w.line(end, "process", `"pid":%d,"comm":"x","action":"exit","ppid":7,"exe":%q,"exit_code":%d,"duration_ms":%.3f`, pid, exe, status, end-begin)
}

// role opens a connection of a role.
func (w *writer) role(ms float64, conn, role, remote string) {
	w.line(ms, "conn", `"pid":7,"comm":"x","conn":%q,"action":"open","local":"127.0.0.1:443","remote":%q,"role":%q,"joined":"start","tls":{"version":"TLS 1.3"},"tls_ms":1.000`,
		conn, remote, role)
}

func (w *writer) opened(ms float64, name, remote string) {
	w.line(ms, "conn", `"pid":7,"comm":"go","conn":"c1","action":"open","local":null,"remote":%q,"name":%q`, remote, name)
}

// failed is a connection that was tried for 5 ms.
func (w *writer) failed(ms float64, name, remote, class, detail string) {
	w.line(ms, "conn", `"pid":7,"comm":"go","action":"failed","local":null,"remote":%q,"dns_ms":null,"connect_ms":5.000,"name":%q,`+
		`"error":{"class":%q,"detail":%q}`, remote, name, class, detail)
}

func read(t *testing.T, text string) *Builder {
	t.Helper()
	b := NewBuilder()
	b.HTML()
	if err := b.Read(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	wantWholePaths(t, b)
	wantSameAnonymous(t, text, b)
	return b
}

func recording() []byte {
	var w writer
	w.command(0)
	for i := range 100 {
		w.exchange(exchange{begin: float64(i * 10), url: "https://goproxy.example/example.com/m/@v/v1.0.0.zip", kind: "zip", module: "example.com/m", wait: 5, receive: 5})
		for range 10 {
			w.line(float64(i*10), "frame", `"pid":7,"comm":"go","conn":"c1","dir":"recv","stream":1,"type":"DATA","flags":["END_STREAM"],"length":8192,"data_length":8192,"window":{"conn_send":65535,"conn_recv":1073741823,"stream_send":65535,"stream_recv":4194304}`)
		}
	}
	w.exit(2000, 0)
	return []byte(w.String())
}
