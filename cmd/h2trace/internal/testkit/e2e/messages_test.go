package e2e

import (
	"regexp"
	"strings"
)

// messagesOf returns the lines of a stderr that do not log frames.
func messagesOf(stderr string) string {
	var b strings.Builder
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "http2: ") && !strings.Contains(line, " http2: ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// usual are the messages of a normal run, with the verdict on it. On a busy machine executions may exceed the
// bound in any run, and COMMAND may take more than a second to start its first Go
// program. Output of COMMAND before a message may lack its newline.
var usual = regexp.MustCompile(`h2trace: (observing .* since|stopped observing after|all targets have exited|saw \d+ process|\d+ executions? went on before|nothing to observe so far).*\n|` + verdictLine.String())

// verdictLine is a line of the verdict.
var verdictLine = regexp.MustCompile(`h2trace: ((healthy|dns|connect|tls|server_wait|bandwidth|packet_loss|recv_window|send_window|client|errors|checksum|vcs): |  ).*\n`)

// unusual returns a stderr without the messages that each run has.
func unusual(stderr string) string { return usual.ReplaceAllString(stderr, "") }
