package plan

import (
	"fmt"
	"strings"
	"testing"
)

// checkFailures compares the place where handshakes fail with the disassembler of the Go
// distribution: it is the only call of flush. The branch that a handshake without an error
// takes leads around it.
func checkFailures(t *testing.T, path string, sites []Site) {
	t.Helper()
	checkSites(t, path, sites)
	listing := goTool(t, "tool", "objdump", "-s", `^crypto/tls\.\(\*Conn\)\.handshakeContext$`, path)
	var calls []string
	for line := range strings.Lines(listing) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasSuffix(strings.TrimSpace(line), "CALL crypto/tls.(*Conn).flush(SB)") {
			calls = append(calls, fields[1])
		}
	}
	var got []string
	for _, s := range sites {
		if s.Tap != HandshakeFailed || s.Kind != Flush {
			t.Errorf("got %s at %s", s.Tap, s.Kind)
		}
		got = append(got, fmt.Sprintf("0x%x", s.Addr))
	}
	if len(calls) != 1 || strings.Join(got, " ") != calls[0] {
		t.Errorf("handshakes fail at %s, objdump shows calls of flush at %s", got, calls)
	}
}
