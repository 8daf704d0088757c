//go:build linux

package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"h2trace/bpf"
)

// TestVersions has endpoints that change the version of HTTP, in the same or in swapped
// roles, or that speak different versions.
func TestVersions(t *testing.T) {
	const (
		ask   = "POST /session HTTP/1.1\r\nHost: daemon.example\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n"
		agree = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
		begun = http2.ClientPreface
		long  = "POST /session HTTP/1.1\r\nHost: daemon.example\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n"
		files = "POST http://session.example/files "
	)
	client := begun + settings(t) + request(t, 1)
	tests := []struct {
		name string
		said []string // in turn, the client first; "" is for nothing
		want []string
	}{
		{"as in RFC 7540", []string{ask, agree, begun + settings(t), settings(t) + response(t, 1)}, []string{"POST SCHEME://daemon.example/session 404 "}},
		{"the server first", []string{ask, agree + settings(t) + response(t, 1), begun + settings(t)}, []string{"POST SCHEME://daemon.example/session 404 "}},
		{"a request whose body comes later", []string{long, agree, "5\r\nhello\r\n0\r\n\r\n" + begun + settings(t), settings(t) + response(t, 1)}, []string{"POST SCHEME://daemon.example/session 404 "}},
		{"the server before that body", []string{long, agree + settings(t), "5\r\nhello\r\n", response(t, 1), "0\r\n\r\n" + begun + settings(t)}, []string{"POST SCHEME://daemon.example/session 404 "}},
		{"a request whose body makes no sense", []string{long, agree + settings(t), "x\r\n" + begun + settings(t), response(t, 1)}, []string{"POST SCHEME://daemon.example/session 101 "}},
		{"turned round", []string{ask, agree + client, settings(t) + response(t, 1), request(t, 3), response(t, 3)}, []string{
			"POST SCHEME://daemon.example/session 101 ", files + "404 ", files + "404 ",
		}},
		{"turned round, the server first", []string{ask, agree, settings(t), client, response(t, 1)}, []string{
			"POST SCHEME://daemon.example/session 101 ", files + "404 ",
		}},
		{"HTTP/1.1 after the switch", []string{ask, agree + settings(t), "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"}, []string{
			"POST SCHEME://daemon.example/session 0 protocol: the client speaks HTTP/1.x, the server HTTP/2",
		}},
		{"HTTP/1.1 after the switch, turned round", []string{ask, agree + "PRI / HTTP/1.1\r\nHost: a.example\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}, []string{
			"POST SCHEME://daemon.example/session 101 ",
		}},
		{"something else", []string{ask, agree + "\x01\x02\x03\x04\x05", "hello"}, []string{"POST SCHEME://daemon.example/session 101 "}},
		{"nothing", []string{ask, agree}, []string{"POST SCHEME://daemon.example/session 101 "}},
		{"HTTP/1.1 to HTTP/2", []string{client, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nno"}, []string{
			files + `0 protocol: the client speaks HTTP/2, the server answered "HTTP/1.1 400 Bad Request"`,
		}},
		{"HTTP/1.1 to a preface", []string{begun + settings(t), "HTTP/1.1 505 HTTP Version Not Supported\r\n\r\n", request(t, 1)}, []string{
			files + `0 protocol: the client speaks HTTP/2, the server answered "HTTP/1.1 505 HTTP Version Not Supported"`,
		}},
		{"HTTP/2 to HTTP/1.1", []string{ask, settings(t)}, []string{
			"POST SCHEME://daemon.example/session 0 protocol: the client speaks HTTP/1.x, the server HTTP/2",
		}},
		{"HTTP/2 before HTTP/1.1", []string{"", settings(t), ask}, []string{
			"POST SCHEME://daemon.example/session 0 protocol: the client speaks HTTP/1.x, the server HTTP/2",
		}},
	}
	var out bytes.Buffer
	table := newTestTable(t, &out)
	want := make(map[string][]string)
	conn := 0
	for _, tt := range tests {
		for _, cleartext := range []bool{false, true} {
			for _, role := range []bpf.Role{bpf.RoleClient, bpf.RoleServer} {
				for _, step := range []int{3, 1 << 20} {
					conn++
					converse(table, uint64(conn), cleartext, role, tt.said, step)
					scheme := "https"
					if cleartext {
						scheme = "http"
					}
					for _, w := range tt.want {
						key := fmt.Sprint("c", conn)
						want[key] = append(want[key], strings.Replace(w, "SCHEME", scheme, 1))
					}
				}
			}
		}
	}
	do(t, table.endAll())
	do(t, table.send())
	do(t, table.events.Flush())
	got, closed := make(map[string][]string), make(map[string]string)
	for line := range bytes.Lines(out.Bytes()) {
		var e struct {
			Event, Action, Conn, Method, URL string
			Status                           int
			Violation                        string
			Error                            *struct{ Class, Detail string }
		}
		do(t, json.Unmarshal(line, &e))
		if e.Violation != "" {
			t.Errorf("a violation: %s", line)
		}
		if e.Action == "close" && e.Error != nil {
			closed[e.Conn] = e.Error.Class + ": " + e.Error.Detail
		}
		if e.Event == "exchange" {
			x := fmt.Sprintf("%s %s %d ", e.Method, e.URL, e.Status)
			if e.Error != nil && e.Status != 404 {
				x += e.Error.Class + ": " + e.Error.Detail
			}
			got[e.Conn] = append(got[e.Conn], x)
		}
	}
	for conn := range want {
		if _, fault, ok := strings.Cut(want[conn][0], " 0 "); ok && closed[conn] != fault {
			t.Errorf("%s was closed by %q, want %q", conn, closed[conn], fault)
		}
		slices.Sort(want[conn])
		slices.Sort(got[conn])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("exchanges of %d conversations each (-want +got):\n%s", conn/len(tests), diff)
	}
}

// converse gives a table the records of a conversation from open to close, of step bytes
// each.
func converse(table *connTable, conn uint64, cleartext bool, role bpf.Role, said []string, step int) {
	table.open(&bpf.Open{Head: bpf.Head{Conn: conn, PID: 9, Time: 1}, Role: role, Wire: wireOf(cleartext), Handshake: true})
	var next [2]position
	for i, s := range said {
		dir := i % 2
		if role == bpf.RoleServer {
			dir = 1 - dir
		}
		for b := range slices.Chunk([]byte(s), step) {
			d := dataRecord(dir, &next, bytes.NewBuffer(b))
			d.Conn = conn
			give(table, cleartext, d)
		}
	}
	_ = table.close(&bpf.Close{Head: bpf.Head{Conn: conn, PID: 9, Time: 1 << 20}, Totals: bpf.Totals{
		Seq: [2]uint64{next[0].seq, next[1].seq}, Offset: [2]uint64{next[0].offset, next[1].offset},
	}})
}

// settings, request and response return frames.
func settings(t *testing.T) string {
	return frames(t, func(f *http2.Framer) error { return f.WriteSettings() })
}

func request(t *testing.T, stream uint32) string {
	return headers(t, stream, ":method", "POST", ":scheme", "http", ":authority", "session.example", ":path", "/files")
}

func response(t *testing.T, stream uint32) string { return headers(t, stream, ":status", "404") }

func headers(t *testing.T, stream uint32, fields ...string) string {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for f := range slices.Chunk(fields, 2) {
		do(t, enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1], Sensitive: true}))
	}
	return frames(t, func(f *http2.Framer) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
	})
}

func frames(t *testing.T, write func(f *http2.Framer) error) string {
	t.Helper()
	var b bytes.Buffer
	do(t, write(http2.NewFramer(&b, nil)))
	return b.String()
}
