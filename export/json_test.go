package export

import (
	"encoding/json"
	"math"
	"testing"
	"time"
	"unicode/utf8"
)

func TestAppendString(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "/mod/@v/list", `"/mod/@v/list"`},
		{"empty", "", `""`},
		{"quote and backslash", `a"b\c`, `"a\"b\\c"`},
		{"line ends", "a\r\n\tb", `"a\r\n\tb"`},
		{"nul and escape sequence", "\x00\x1b[2J", `"\u0000\u001b[2J"`},
		{"delete", "a\x7fb", `"a\u007fb"`},
		{"c1 control", "a\u009bb", `"a\u009bb"`},
		{"html is not escaped", "<a&b>", `"<a&b>"`},
		{"multibyte", "größe 日本 🚀", `"größe 日本 🚀"`},
		{"line separator", "a\u2028b", `"a\u2028b"`},
		{"bidirectional override", "a\u202eb\u2066c", `"a\u202eb\u2066c"`},
		{"replacement character itself", "a\ufffdb", "\"a\ufffdb\""},
		{"invalid byte", "a\xffb", "\"a\ufffdb\""},
		{"cut rune", "a\xe6\x97", "\"a\ufffd\ufffd\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, valid := appendString(nil, tt.in)
			if string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if valid != utf8.ValidString(tt.in) {
				t.Errorf("valid = %v", valid)
			}
			if again, _ := appendString(nil, []byte(tt.in)); string(again) != tt.want {
				t.Errorf("as bytes: got %s, want %s", again, tt.want)
			}
		})
	}
}

// FuzzString checks that any string reads back as with encoding/json, and that its exact
// bytes can be recovered.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "a\"\\\n", "\x00\x7f\u0085", "\u2027\u2028\u202f\u2066\u206a", "\xc3\x28", "\xed\xa0\x80", "🚀\xf0\x9f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ours, valid := appendString(nil, s)
		theirs, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var got, want string
		if err := json.Unmarshal(ours, &got); err != nil {
			t.Fatalf("%s: %v", ours, err)
		}
		if err := json.Unmarshal(theirs, &want); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if valid != utf8.ValidString(s) {
			t.Errorf("valid = %v for %q", valid, s)
		}
		var member struct {
			Text  string `json:"k"`
			Exact []byte `json:"k_b64"`
		}
		line := appendText([]byte(`{"v":1`), "k", s)
		if err := json.Unmarshal(append(line, '}'), &member); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if exact := string(member.Exact); !valid && exact != s || valid && (exact != "" || member.Text != s) {
			t.Errorf("bytes of %q do not come back from %s", s, line)
		}
	})
}

func TestAppendMillis(t *testing.T) {
	tests := []struct {
		in   time.Duration
		want string
	}{
		{0, "0.000"},
		{499, "0.000"},
		{500, "0.001"},
		{time.Microsecond, "0.001"},
		{1234567 * time.Nanosecond, "1.235"},
		{12*time.Hour + 30*time.Microsecond, "43200000.030"},
		{-1500 * time.Microsecond, "-1.500"},
		{math.MaxInt64, "9223372036854.776"},
	}
	for _, tt := range tests {
		if got := string(appendMillis(nil, tt.in)); got != tt.want {
			t.Errorf("%d ns: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestTimestamps(t *testing.T) {
	var ts timestamps
	for _, ns := range []int64{
		0, 1, 999_999_999, 1_000_000_000, 1_790_000_000_000_000_000, 1_790_000_000_000_000_001,
		1_790_000_000_123_456_789, 1_790_000_001_000_000_000, 951_782_400_000_000_007, -1,
	} {
		want := time.Unix(0, ns).UTC().Format(`"2006-01-02T15:04:05.000000000Z"`)
		if got := string(ts.append(nil, time.Unix(0, ns))); got != want {
			t.Errorf("%d: got %s, want %s", ns, got, want)
		}
	}
}

func FuzzTimestamps(f *testing.F) {
	f.Add(int64(1_790_000_000_123_456_789), int64(1_790_000_000_123_456_790))
	f.Fuzz(func(t *testing.T, a, b int64) {
		var ts timestamps
		for _, ns := range []int64{a, b} {
			want := time.Unix(0, ns).UTC().Format(`"2006-01-02T15:04:05.000000000Z"`)
			if got := string(ts.append(nil, time.Unix(0, ns))); got != want {
				t.Errorf("%d: got %s, want %s", ns, got, want)
			}
		}
	})
}
