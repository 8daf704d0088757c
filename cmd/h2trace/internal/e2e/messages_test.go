package e2e

import (
	"regexp"
	"strings"
)

// messagesOf returns the lines of a stderr that are no log of frames.
func messagesOf(stderr string) string {
	var b strings.Builder
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "http2: ") && !strings.Contains(line, " http2: ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// usual are the messages of a run in which nothing is out of the ordinary.
var usual = regexp.MustCompile(`(?m)^h2trace: (observing .* since|stopped observing after|all targets have exited|saw \d+ process).*\n`)

// unusual returns a stderr without the messages that each run has.
func unusual(stderr string) string { return usual.ReplaceAllString(stderr, "") }
