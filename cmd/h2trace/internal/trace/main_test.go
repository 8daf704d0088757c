//go:build linux

package trace

import (
	"os"
	"testing"

	"h2trace/bpf/gate"
)

// TestMain also runs the gatekeeper: an Observer starts its own executable for that.
func TestMain(m *testing.M) {
	if os.Args[0] == gate.Name {
		gate.Main(os.Args[1:])
		return
	}
	os.Exit(m.Run())
}
