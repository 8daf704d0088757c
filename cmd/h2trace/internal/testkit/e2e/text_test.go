package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/http2debug"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// textLine are the columns of a line of text: stream, direction, what happened, and the fact.
var textLine = regexp.MustCompile(`^ *\d+\.\d{3} \S+\[\d+\] +c\d+ +(\d*) (->|<-|  ) (\S+) *(.*)$`)

// TestText runs a client with text as the output. Its messages are those in the log of the
// client, and each of its exchanges is there.
func TestText(t *testing.T) {
	t.Parallel()
	needProbes(t)
	a := modproxy.NewAuthority(t)
	srv := startServer(t, serverArgs(t, a, "-impl", "x"), peerEnv(a))
	r := invoke(t, invocation{
		args: append([]string{"-f", "text", "-e", "frame=HEADERS+DATA,exchange"}, clientArgs(t, srv.addr, "-impl", "net", "-scenario", "headers,post,streams")...),
		env:  debugEnv(peerEnv(a)),
	})
	if r.status != 0 {
		t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	log, err := http2debug.Parse(strings.NewReader(r.stderr))
	if err != nil {
		t.Fatal(err)
	}
	want, got := make(map[string]int), make(map[string]int)
	requests, exchanges := 0, 0
	for _, c := range log.Conns {
		for _, f := range c.Frames {
			arrow := "<-"
			if f.Dir == wire.Send {
				arrow = "->"
			}
			switch f.Type {
			case wire.Headers:
				want[fmt.Sprint(f.Stream, arrow, " HEADERS")]++
				if f.Dir == wire.Send {
					requests++
				}
			case wire.Data:
				want[fmt.Sprint(f.Stream, arrow, " DATA ", f.DataLength)]++
			}
		}
	}
	for line := range strings.Lines(r.stdout) {
		m := textLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		switch {
		case m == nil:
			if !strings.Contains(line, " summary ") {
				t.Errorf("got %q", line)
			}
		case m[3] == "exchange":
			exchanges++
			if !strings.HasPrefix(m[4], "200 ") || !strings.Contains(m[4], " https://"+srv.addr+"/") {
				t.Errorf("got %q", line)
			}
		case m[3] == "DATA":
			size, _, _ := strings.Cut(m[4], " B")
			got[m[1]+m[2]+" DATA "+size]++
		default:
			got[m[1]+m[2]+" "+m[3]]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("%d kinds of frames; -log +text:\n%s", len(want), diff)
	}
	if exchanges != requests || requests == 0 {
		t.Errorf("%d exchanges, and %d requests in the log", exchanges, requests)
	}
}
