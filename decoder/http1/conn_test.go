package http1

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder/ktime"
)

// log records the calls of a Conn. Consecutive Body calls count as one.
type log struct {
	lines []string
}

func (l *log) add(format string, args ...any) {
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *log) body(who string, n int64) {
	if len(l.lines) > 0 {
		var had int64
		last := &l.lines[len(l.lines)-1]
		if _, err := fmt.Sscanf(*last, who+" body %d", &had); err == nil {
			*last = fmt.Sprintf("%s body %d", who, had+n)
			return
		}
	}
	l.add("%s body %d", who, n)
}

func (l *log) Request(_, _ ktime.Time, r *Request) {
	l.add("request %s %s %s", r.Method, r.Target, r.Proto)
}
func (l *log) RequestBody(_ ktime.Time, n int64) { l.body("request", n) }
func (l *log) RequestEnd(ktime.Time)             { l.add("request end") }
func (l *log) Response(_, _ ktime.Time, r *Response) {
	l.add("response %d %s", r.Status, r.Proto)
}
func (l *log) ResponseBody(_ ktime.Time, n int64) { l.body("response", n) }
func (l *log) ResponseEnd(_ ktime.Time, cut bool) {
	l.add("response end%s", map[bool]string{true: " cut"}[cut])
}
func (l *log) Tunnel(ktime.Time)                       { l.add("tunnel") }
func (l *log) Tunneled(_ ktime.Time, c bool, b []byte) { l.add("tunneled client=%v %q", c, b) }
func (l *log) Malformed(_ ktime.Time, c bool)          { l.add("malformed client=%v", c) }
func (l *log) Lost(_ ktime.Time, c bool)               { l.add("lost client=%v", c) }

const (
	client = true
	server = false
)

// said holds bytes of one side.
type said struct {
	client bool
	text   string
}

func TestConn(t *testing.T) {
	tests := []struct {
		name  string
		said  []said
		close bool
		want  string
	}{
		{
			"length",
			[]said{
				{client, "POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello"},
				{server, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"},
			},
			true,
			"request POST /a HTTP/1.1|request body 5|request end|response 200 HTTP/1.1|response body 3|response end",
		},
		{
			"chunked with extension and trailers (RFC 9112 section 7.1)",
			[]said{
				{client, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"},
				{server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4;a=b\r\nWiki\r\nA\r\n0123456789\r\n0\r\nX: 1\r\nY: 2\r\n\r\nHTTP/1.1 "},
			},
			false,
			"request GET / HTTP/1.1|request end|response 200 HTTP/1.1|response body 14|response end",
		},
		{
			"pipelined, HEAD, 304 and 204 have no body",
			[]said{
				{client, "HEAD /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n"},
				{server, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"},
			},
			true,
			"request HEAD /1 HTTP/1.1|request end|request GET /2 HTTP/1.1|request end|request GET /3 HTTP/1.1|request end|" +
				"response 200 HTTP/1.1|response end|response 304 HTTP/1.1|response end|response 204 HTTP/1.1|response end",
		},
		{
			"interim responses",
			[]said{
				{client, "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"},
				{server, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"},
				{client, "ab"},
				{server, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"},
			},
			false,
			"request PUT / HTTP/1.1|response 100 HTTP/1.1|response 103 HTTP/1.1|request body 2|request end|response 201 HTTP/1.1|response end",
		},
		{
			"body until the connection ends",
			[]said{
				{client, "GET / HTTP/1.0\r\n\r\n"},
				{server, "HTTP/1.0 200 OK\r\n\r\nabc"},
				{server, "def"},
			},
			true,
			"request GET / HTTP/1.0|request end|response 200 HTTP/1.0|response body 6|response end",
		},
		{
			"cut body",
			[]said{
				{client, "GET / HTTP/1.1\r\n\r\n"},
				{server, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"},
			},
			true,
			"request GET / HTTP/1.1|request end|response 200 HTTP/1.1|response body 3|response end cut",
		},
		{
			"upgrade",
			[]said{
				{client, "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"},
				{server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x01\x02"},
				{client, "\x03"},
			},
			true,
			`request GET /ws HTTP/1.1|request end|response 101 HTTP/1.1|tunnel|tunneled client=false "\x01\x02"|tunneled client=true "\x03"`,
		},
		{
			"upgrade before the body of the request has come (RFC 7540 section 3.2)",
			[]said{
				{client, "POST / HTTP/1.1\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhe"},
				{server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\x01\x02"},
				{client, "ll"},
				{client, "oPRI"},
			},
			true,
			`request POST / HTTP/1.1|request body 2|response 101 HTTP/1.1|tunnel|tunneled client=false "\x01\x02"|request body 3|request end|tunneled client=true "PRI"`,
		},
		{
			"the same with chunks and trailers",
			[]said{
				{client, "POST / HTTP/1.1\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n2"},
				{server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"},
				{client, "\r\nab\r\n0\r\nX: y\r\n\r\nPRI"},
			},
			true,
			`request POST / HTTP/1.1|response 101 HTTP/1.1|tunnel|request body 2|request end|tunneled client=true "PRI"`,
		},
		{
			"CONNECT",
			[]said{
				{client, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"},
				{server, "HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n"},
				{client, "\x16\x03"},
			},
			true,
			`request CONNECT a.example:443 HTTP/1.1|request end|response 200 HTTP/1.1|response end|tunnel|tunneled client=true "\x16\x03"`,
		},
		{
			"CONNECT refused",
			[]said{
				{client, "CONNECT a.example:443 HTTP/1.1\r\n\r\n"},
				{server, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 1\r\n\r\nx"},
				{client, "GET / HTTP/1.1\r\n\r\n"},
			},
			true,
			"request CONNECT a.example:443 HTTP/1.1|request end|response 407 HTTP/1.1|response body 1|response end|request GET / HTTP/1.1|request end",
		},
		{
			"lone line feeds and empty lines before a request",
			[]said{
				{client, "\r\n\nGET / HTTP/1.1\nHost: a.example\n\n"},
			},
			false,
			"request GET / HTTP/1.1|request end",
		},
		{
			"lengths that disagree",
			[]said{
				{client, "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"},
			},
			false,
			"request POST / HTTP/1.1|malformed client=true|lost client=true",
		},
		{
			"no chunk size",
			[]said{
				{client, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"},
			},
			false,
			"request POST / HTTP/1.1|malformed client=true|lost client=true",
		},
		{
			"no head, and then one",
			[]said{
				{client, "hello\r\n\r\n"},
				{client, "GET /b HTTP/1.1\r\n\r\n"},
			},
			false,
			"malformed client=true|lost client=true|request GET /b HTTP/1.1|request end",
		},
		{
			"response to a HEAD that was not seen, and another request",
			[]said{
				{server, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"},
				{client, "GET / HTTP/1.1\r\n\r\n"},
				{server, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"},
			},
			false,
			"response 200 HTTP/1.1|response end cut|request GET / HTTP/1.1|request end|response 200 HTTP/1.1|response body 1|response end",
		},
		{
			"response without a request",
			[]said{
				{server, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"},
			},
			false,
			"response 200 HTTP/1.1|response body 1|response end",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l log
			c := NewConn(&l, nil)
			for _, s := range tt.said {
				c.Data(1, s.client, []byte(s.text))
			}
			if tt.close {
				c.Close(2)
			}
			if diff := cmp.Diff(strings.Split(tt.want, "|"), l.lines); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if strings.Contains(tt.want, "lost") || strings.Contains(tt.want, "tunneled") {
				return // those calls follow the calls of Data
			}
			var single log
			c = NewConn(&single, nil)
			for _, s := range tt.said {
				for i := range len(s.text) {
					c.Data(1, s.client, []byte(s.text[i:i+1]))
				}
			}
			if tt.close {
				c.Close(2)
			}
			if diff := cmp.Diff(l.lines, single.lines); diff != "" {
				t.Errorf("byte by byte, -whole +single:\n%s", diff)
			}
		})
	}
}

func TestGap(t *testing.T) {
	tests := []struct {
		name string
		n    int64
		want string
	}{
		{"inside a body", 4, "response 200 HTTP/1.1|response body 10|response end|response 200 HTTP/1.1|response body 1|response end"},
		{"unknown", -1, "response 200 HTTP/1.1|response body 3|lost client=false|response 200 HTTP/1.1|response body 1|response end"},
		{"beyond a body", 8, "response 200 HTTP/1.1|response body 3|lost client=false|response 200 HTTP/1.1|response body 1|response end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l log
			c := NewConn(&l, nil)
			c.Data(1, server, []byte("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"))
			c.Gap(2, server, tt.n)
			if tt.n == 4 {
				c.Data(3, server, []byte("efg"))
			}
			c.Data(4, server, []byte("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"))
			if diff := cmp.Diff(strings.Split(tt.want, "|"), l.lines); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// recorder is a listener whose connections pass their bytes to a Conn.
type recorder struct {
	net.Listener
	mu   sync.Mutex
	conn *Conn
}

func (r *recorder) Accept() (net.Conn, error) {
	c, err := r.Listener.Accept()
	return &recorded{c, r}, err
}

type recorded struct {
	net.Conn
	r *recorder
}

func (c *recorded) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.r.data(true, b[:n])
	return n, err
}

func (c *recorded) Write(b []byte) (int, error) {
	c.r.data(false, b)
	return c.Conn.Write(b)
}

func (r *recorder) data(client bool, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conn.Data(1, client, b)
}

// TestBudget has many connections with header sections that do not end. The bytes that they
// hold stay within the budget, and are given back.
func TestBudget(t *testing.T) {
	budget := NewBudget(1 << 20)
	var conns []*Conn
	var l log
	for range 100 {
		c := NewConn(&l, budget)
		c.Data(1, true, []byte("GET /"))
		for range 100 {
			c.Data(1, true, []byte(strings.Repeat("a", 1<<10)))
		}
		conns = append(conns, c)
	}
	if used := budget.Used(); used == 0 || budget.Over() {
		t.Errorf("%d bytes are taken", used)
	}
	for _, c := range conns {
		c.Release()
	}
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are not given back", used)
	}
}
