package decoder

import (
	"testing"

	"h2trace/decoder/ktime"
)

// TestBadPreface has clients that begin with other bytes than HTTP/2 wants (RFC 9113 §3.4).
func TestBadPreface(t *testing.T) {
	settings := wire(TypeSettings, 0, 0, nil)
	for name, tt := range map[string]struct {
		cfg    Config
		server []byte // before the client
		client string
		want   bool
	}{
		"a preface":                {Config{Role: Server, FromStart: true}, nil, string(preface), false},
		"the start of one":         {Config{Role: Server, FromStart: true}, settings, string(preface[:9]), false},
		"no byte":                  {Config{Role: Server, FromStart: true}, settings, "", false},
		"another line":             {Config{Role: Server, FromStart: true}, nil, "INVALID CONNECTION PREFACE\r\n\r\n", true},
		"another, to SETTINGS":     {Config{Role: Server, FromStart: true}, settings, "INVALID CONNECTION PREFACE\r\n\r\n", true},
		"as much as a server read": {Config{Role: Server, FromStart: true}, settings, "INVALID CONNECTION PREFA", true},
		"no text":                  {Config{Role: Server, FromStart: true}, settings, "\x00\x00\x00\x04", true},
		"of a client":              {Config{Role: Client, FromStart: true}, nil, "\x00\x00\x00\x04", true},
		"HTTP/1.1":                 {Config{Role: Server, FromStart: true}, nil, "GET / HTTP/1.1\r\n\r\n", false},
		"joined later":             {Config{Role: Server}, settings, "INVALID CONNECTION PREFACE\r\n\r\n", false},
		"of an unknown side":       {Config{FromStart: true}, nil, "INVALID CONNECTION PREFACE\r\n\r\n", false},
	} {
		for _, size := range []int{1, len(tt.client) + 1} {
			c := NewConn(tt.cfg, &discard{})
			client := Recv
			if tt.cfg.Role == Client {
				client = Send
			}
			c.Data(1, client.other(), tt.server)
			for rest := []byte(tt.client); len(rest) > 0; {
				n := min(size, len(rest))
				c.Data(ktime.Time(2), client, rest[:n])
				rest = rest[n:]
			}
			c.Close(3)
			if got := c.BadPreface(); got != tt.want {
				t.Errorf("%s, %d bytes at a time: %v, want %v", name, size, got, tt.want)
			}
		}
	}
}
