package report

import (
	"bytes"

	"h2trace/export"
)

// secrets takes secrets out of events that were recorded with --show-secrets: a report is for
// others to read. Of a log of "go -x", in which they are as the go command and git print them,
// they are taken out of what is kept of it (xlog.go, xsaid.go), which is little.
type secrets struct {
	screen export.LineScreen
	shown  bool // those of events
}

// ShowSecrets has the report show the secrets that events have; those of logs it never shows. It
// is called before Read.
func (b *Builder) ShowSecrets() { b.secrets.shown, b.recorded.shown = true, true }

// hide returns a line of a file without secrets, valid until the next call.
func (s *secrets) hide(line []byte) []byte {
	text := bytes.TrimSpace(line)
	if s.shown || len(text) < 2 || text[0] != '{' || nameless(text) {
		return line
	}
	return s.screen.Clean(line)
}
