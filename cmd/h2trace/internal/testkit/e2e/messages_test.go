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

// usual are the messages of a run in which nothing is out of the ordinary. On a
// busy machine executions may outlast the bound in any of them, and COMMAND may take
// more than a second to start its first Go program. What COMMAND printed before one may
// be without the end of its line.
var usual = regexp.MustCompile(`h2trace: (observing .* since|stopped observing after|all targets have exited|saw \d+ process|\d+ executions? went on before|nothing to observe so far).*\n`)

// unusual returns a stderr without the messages that each run has.
func unusual(stderr string) string { return usual.ReplaceAllString(stderr, "") }
