package otlp

import (
	"bytes"

	"h2trace/export/scan"
)

// spansOf returns how many spans a line would be.
func spansOf(line []byte) uint64 {
	if bytes.Contains(line, []byte(`"event":"exchange"`)) {
		return 1
	}
	if !bytes.Contains(line, []byte(`"event":"conn"`)) {
		return 0
	}
	var e scan.Object
	if !e.Parse(line) {
		return 0
	}
	failed := string(e.Word("action")) == "failed"
	if !failed && string(e.Word("action")) != "open" {
		return 0
	}
	var n uint64
	for _, key := range [...]string{"dns_ms", "connect_ms", "tls_ms"} {
		if e.Has(key) {
			n++
		}
	}
	if n > 0 || failed {
		n++ // with that of all
	}
	return n
}
