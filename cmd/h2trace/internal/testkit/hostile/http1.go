package hostile

import "strings"

const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// http1Attacks are those of HTTP/1.1 (RFC 9112).
var http1Attacks = []Conversation{
	{"HTTP/1.1: pipelined requests", 1_000, func(t *Talk, n int) {
		for range n {
			t.text(client, request)
		}
	}},
	{"HTTP/1.1: pipelined requests and responses", 1_000, func(t *Talk, n int) {
		for range n {
			t.text(client, request)
		}
		for range n {
			t.text(server, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	}},
	{"HTTP/1.1: headers without end", 5_000, func(t *Talk, n int) {
		t.text(client, "GET / HTTP/1.1\r\n")
		for range n {
			t.text(client, "A: b\r\n")
		}
	}},
	{"HTTP/1.1: a line without end", 20_000, func(t *Talk, n int) {
		t.text(client, "GET / HTTP/1.1\r\nA: "+strings.Repeat("a", n))
	}},
	{"HTTP/1.1: a start line without end", 20_000, func(t *Talk, n int) {
		t.text(client, "GET /"+strings.Repeat("a", n))
	}},
	{"HTTP/1.1: chunks of a byte", 5_000, func(t *Talk, n int) {
		t.text(client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
		for range n {
			t.text(client, "1\r\na\r\n")
		}
	}},
	{"HTTP/1.1: a chunk extension without end", 20_000, func(t *Talk, n int) {
		t.text(client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;"+strings.Repeat("a", n))
	}},
	{"HTTP/1.1: trailers without end", 5_000, func(t *Talk, n int) {
		t.text(client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
		for range n {
			t.text(client, "A: b\r\n")
		}
	}},
	{"HTTP/1.1: interim responses", 1_000, func(t *Talk, n int) {
		t.text(client, request)
		for range n {
			t.text(server, "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n")
		}
	}},
	{"HTTP/1.1: responses to nothing", 1_000, func(t *Talk, n int) {
		t.text(client, request)
		for range n {
			t.text(server, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	}},
	{"HTTP/1.1: empty lines", 20_000, func(t *Talk, n int) {
		t.text(client, request)
		t.text(client, strings.Repeat("\r\n", n))
	}},
	{"HTTP/1.1: a tunnel of ClientHellos", 1_000, func(t *Talk, n int) {
		t.text(client, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")
		t.text(server, "HTTP/1.1 200 OK\r\n\r\n")
		for range n {
			t.say(client, 22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff)
		}
	}},
	{"HTTP/1.1: an upgrade without answer", 1_000, func(t *Talk, n int) {
		t.text(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
		for range n {
			t.text(client, request)
		}
	}},
	{"junk", 20_000, func(t *Talk, n int) { t.say(client, noise(n)...) }},
}
