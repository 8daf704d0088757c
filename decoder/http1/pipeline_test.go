package http1

import (
	"strings"
	"testing"
)

// TestPipeline has many requests wait for their responses. Responses to HEAD have no body.
// The request of a response decides how that response is framed.
func TestPipeline(t *testing.T) {
	for _, n := range []int{300, maxPipelined - 1, maxPipelined, maxPipelined + 1} {
		var l log
		c := NewConn(&l, NewBudget(1<<20))
		var asked, answers strings.Builder
		for i := range n {
			body := ""
			if i%3 == 0 {
				asked.WriteString("HEAD / HTTP/1.1\r\n\r\n")
			} else {
				asked.WriteString("GET / HTTP/1.1\r\n\r\n")
				body = "a"
			}
			answers.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + body)
		}
		c.Data(1, client, []byte(asked.String()))
		c.Data(2, server, []byte(answers.String()))
		ends := 0
		for _, line := range l.lines {
			switch {
			case strings.HasPrefix(line, "malformed"):
				t.Fatalf("%d requests: %s after %d responses", n, line, ends)
			case line == "response end":
				ends++
			}
		}
		if want := min(n, maxPipelined); ends != want {
			t.Errorf("%d responses, want %d", ends, want)
		}
		if last := l.lines[len(l.lines)-1]; n > maxPipelined && last != "lost client=false" {
			t.Errorf("behind what is remembered: %s", last)
		}
		c.Data(3, client, []byte("GET / HTTP/1.1\r\n\r\n"))
		c.Release()
		if c.client.budget.Used() != 0 {
			t.Errorf("%d bytes are taken after the end", c.client.budget.Used())
		}
	}
}
