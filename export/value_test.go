package export

import "testing"

// TestValidValue has values that come from lines of others.
func TestValidValue(t *testing.T) {
	for value, want := range map[string]bool{
		`"plain"`: true, `"\u00e9ö\n"`: true, `[1,{"a":null}]`: true, `""`: true,
		"\"\xff\"": false, "\"\x1b\"": false, `"a"b"`: false, `"a\"`: false, `{"a":}`: false, `01`: false, ``: false, `"`: false,
	} {
		if got := ValidValue([]byte(value)); got != want {
			t.Errorf("%q: got %v", value, got)
		}
	}
}
