package e2e

import "strings"

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
