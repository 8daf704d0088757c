package decoder

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder/ktime"
)

// mixedSink records all calls of a ByteSink and a MixedSink.
type mixedSink struct {
	recorder
	said [2]string
}

func (s *mixedSink) Bytes(_ ktime.Time, d Direction, b []byte) { s.said[d] += string(b) }
func (s *mixedSink) Gap(_ ktime.Time, d Direction, n int64)    { s.said[d] += fmt.Sprintf("<%d>", n) }

func (s *mixedSink) Mixed(at ktime.Time, line string) {
	s.lines = append(s.lines, fmt.Sprintf("mixed %q", line))
}

// TestMixed has client and server speak different versions of HTTP, in every order and with
// every cut of the bytes.
func TestMixed(t *testing.T) {
	const ask, answer = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nno"
	http2 := string(preface) + string(settingsFrame()) + string(wire(TypeHeaders, FlagEndHeaders|FlagEndStream, 1, []byte{0x82, 0x86, 0x84}))
	speaks := string(settingsFrame(Setting{SettingMaxConcurrentStreams, 10})) + string(wire(TypeGoAway, 0, 0, make([]byte, 8)))
	for _, tt := range []struct {
		name           string
		client, server string
		first          bool // the server speaks first
		mixed          string
		frames         [2]int // of client and server
		said           [2]string
	}{
		{"HTTP/1.1 answers HTTP/2", http2, answer, false, "HTTP/1.1 400 Bad Request", [2]int{2, 0}, [2]string{}},
		{"an answer that is cut", http2, "HTTP/1.0 50", false, "HTTP/1.0 50", [2]int{2, 0}, [2]string{}},
		{"an answer without end", http2, "HTTP/1.1 " + strings.Repeat("x", 1000), false, "HTTP/1.1 " + strings.Repeat("x", maxStatusLine-9), [2]int{2, 0}, [2]string{}},
		{"HTTP/2 answers HTTP/1.1", ask, speaks, false, "", [2]int{}, [2]string{ask}},
		{"HTTP/2 before HTTP/1.1", ask, speaks, true, "", [2]int{0, 2}, [2]string{ask}},
		{"GOAWAY answers HTTP/1.1", ask, string(wire(TypeGoAway, 0, 0, []byte("\x00\x00\x00\x00\x00\x00\x00\x0cno"))), false, "", [2]int{}, [2]string{ask}},
		{"both HTTP/1.1", ask, answer, false, "none", [2]int{}, [2]string{ask, answer}},
		{"a bad answer", ask, "\x00\x00\x03bad", false, "none", [2]int{}, [2]string{ask, "\x00\x00\x03bad"}},
		{"the beginning of one", ask, "HTT", false, "none", [2]int{}, [2]string{ask, "HTT"}},
		{"both HTTP/2", http2, speaks, false, "none", [2]int{2, 2}, [2]string{}},
	} {
		for _, role := range []Role{Client, Server} {
			for _, step := range []int{1, 5, 10_000} {
				t.Run(fmt.Sprintf("%s/%d/%d", tt.name, role, step), func(t *testing.T) {
					s := &mixedSink{}
					c := NewConn(Config{Role: role, FromStart: true}, s)
					client := Send
					if role == Server {
						client = Recv
					}
					say := func(d Direction, b string) {
						for len(b) > 0 {
							n := min(step, len(b))
							c.Data(1, d, []byte(b[:n]))
							b = b[n:]
						}
					}
					if tt.first {
						say(client.other(), tt.server)
					}
					say(client, tt.client)
					if !tt.first {
						say(client.other(), tt.server)
					}
					c.Close(2)
					mixed := "none"
					for _, line := range s.lines {
						if _, err := fmt.Sscanf(line, "mixed %q", &mixed); err == nil && tt.mixed == "none" {
							t.Errorf("got %s", line)
						}
					}
					frames := [2]int{int(c.Frames(client)), int(c.Frames(client.other()))}
					said := [2]string{s.said[client], s.said[client.other()]}
					if mixed != tt.mixed || frames != tt.frames || len(s.violations) > 0 {
						t.Errorf("mixed %q, frames %v, want %q and %v; violations %v", mixed, frames, tt.mixed, tt.frames, s.violations)
					}
					if diff := cmp.Diff(tt.said, said); diff != "" {
						t.Errorf("HTTP/1.x (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}
