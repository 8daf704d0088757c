//go:build linux

package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace"
)

// TestOverviewOfMany gives an overview more than waits. A report has all of it; for stderr it
// is all, or a message says why there is no verdict.
func TestOverviewOfMany(t *testing.T) {
	const requests = 50_000
	line := `{"v":1,"ts":"2026-01-02T03:04:05.%09dZ","event":"exchange","pid":7,"conn":"c1","url":"https://a.example/","status":200,"wait_ms":1.000,"total_ms":1.000}`
	for _, printed := range []bool{true, false} {
		opts := Options{Options: trace.Options{Command: []string{"x"}}, Sum: printed}
		v := newOverview(&opts)
		for i := range requests {
			opts.Listeners[0].Line(fmt.Appendf(nil, line, i))
		}
		opts.Listeners[0].Line([]byte(`{"v":1,"ts":"2026-01-02T03:04:06.000000000Z","event":"summary","command":7}`))
		var out, stderr bytes.Buffer
		if err := v.print(&out); err != nil {
			t.Fatal(err)
		}
		v.say(message.New(&stderr, false))
		_, left := v.report()
		switch {
		case printed && !strings.Contains(out.String(), fmt.Sprintf("  https://a.example  %d ", requests)):
			t.Errorf("got\n%s", &out)
		case !printed && left != strings.Contains(stderr.String(), "h2trace: there is no verdict"):
			t.Errorf("left out: %v, got\n%s", left, &stderr)
		case !printed && !left && !strings.Contains(stderr.String(), "h2trace: healthy: "):
			t.Errorf("got\n%s", &stderr)
		}
	}
}
