package scan

import (
	"strings"
	"testing"
)

// TestShortMillis compares times as h2trace writes them with their numbers.
func TestShortMillis(t *testing.T) {
	for text, want := range map[string]int64{"0.000": 0, "0.398": 398, "12345.678": 12345678, "999999999999.999": 999999999999999} {
		if d, ok := shortMillis([]byte(text)); !ok || d.Microseconds() != want {
			t.Errorf("%s: got %v, %v", text, d, ok)
		}
	}
	for _, text := range strings.Fields("null 1 1.5 .000 -1.000 1e3.000 1.0000 1,000 1.00x") {
		if d, ok := shortMillis([]byte(text)); ok {
			t.Errorf("%s: got %v", text, d)
		}
	}
}
