package scan

import (
	"math"
	"strconv"
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

// TestInteger compares integers with those of strconv.
func TestInteger(t *testing.T) {
	for _, text := range []string{
		"", "0", "7", "007", "-1", "-0", "+5", "null", "true", "\"1\"", "1.5", "1e3", "-", "1 ", "_1", "999999999999999999", "1000000000000000000",
		strconv.Itoa(math.MaxInt64), strconv.Itoa(math.MinInt64), "9223372036854775808", "[1]",
	} {
		want, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			want = 0
		}
		if got, ok := Integer([]byte(text)); ok && got != want || ok != (err == nil) {
			t.Errorf("%q: got %v, %v, want %v, %v", text, got, ok, want, err)
		}
	}
}
