package http1

import (
	"bufio"
	"bytes"
	"net/textproto"
	"strconv"
	"strings"
)

// Request is the head of a request.
type Request struct {
	Method string
	Target string // verbatim from the request line (RFC 9112 §3.2)
	Proto  string // "HTTP/1.1" or "HTTP/1.0"
	Header Header
}

// Response is the head of a response.
type Response struct {
	Status int
	Proto  string
	Header Header
}

// Header holds fields by canonical name, as net/http does.
type Header map[string][]string

// Get returns the first value of a field, or "".
func (h Header) Get(name string) string {
	return textproto.MIMEHeader(h).Get(name)
}

// contentLength returns the Content-Length, or -1 if there is none. ok is false for
// an invalid one (RFC 9112 §6.3).
func (h Header) contentLength() (n int64, ok bool) {
	n = -1
	for _, value := range h["Content-Length"] {
		for element := range strings.SplitSeq(value, ",") {
			v, err := strconv.ParseUint(strings.TrimSpace(element), 10, 63)
			if err != nil || n >= 0 && n != int64(v) {
				return -1, false
			}
			n = int64(v)
		}
	}
	return n, true
}

// chunked reports whether chunked is the last transfer coding, so that the body
// delimits itself (RFC 9112 §6.1).
func (h Header) chunked() (chunked, coded bool) {
	values := h["Transfer-Encoding"]
	if len(values) == 0 {
		return false, false
	}
	last := values[len(values)-1]
	if i := strings.LastIndexByte(last, ','); i >= 0 {
		last = last[i+1:]
	}
	return strings.EqualFold(strings.TrimSpace(last), "chunked"), true
}

// parseRequest parses a head, including the empty line at its end.
func parseRequest(head []byte) (*Request, bool) {
	line, rest := cutLine(head)
	method, after, ok1 := strings.Cut(line, " ")
	target, proto, ok2 := strings.Cut(after, " ")
	if !ok1 || !ok2 || !isToken(method) || target == "" || !isProto(proto) {
		return nil, false
	}
	header, ok := parseHeader(rest)
	return &Request{Method: strings.Clone(method), Target: target, Proto: proto, Header: header}, ok
}

// parseResponse parses a head, including the empty line at its end.
func parseResponse(head []byte) (*Response, bool) {
	line, rest := cutLine(head)
	proto, after, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(after, " ")
	status, err := strconv.ParseUint(code, 10, 10)
	if err != nil || len(code) != 3 || status < 100 || !isProto(proto) {
		return nil, false
	}
	header, ok := parseHeader(rest)
	return &Response{Status: int(status), Proto: proto, Header: header}, ok
}

func parseHeader(b []byte) (Header, bool) {
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(b))).ReadMIMEHeader()
	return Header(h), err == nil
}

func cutLine(head []byte) (line string, rest []byte) {
	before, rest, _ := bytes.Cut(head, []byte("\n"))
	return string(bytes.TrimSuffix(before, []byte("\r"))), rest
}

func isProto(s string) bool { return s == "HTTP/1.1" || s == "HTTP/1.0" }

// isToken reports whether s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
