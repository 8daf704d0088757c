//go:build linux

package handshake

import (
	"testing"

	"h2trace/decoder/internal/cost"
)

// TestCost parses hostile input, and eight times as much.
func TestCost(t *testing.T) {
	prepare := make(map[string]func(int) func())
	for name, h := range hostile {
		prepare[name] = func(n int) func() {
			b := h.input(n)
			return func() { h.parse(b) }
		}
	}
	cost.Linear(t, 1900, prepare)
}
