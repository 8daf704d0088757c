package exchange

import (
	"strings"
	"testing"

	"h2trace/decoder"
)

// TestParseTraceParent takes what W3C Trace Context §3.2.2 and §3.2.4 say of valid values.
func TestParseTraceParent(t *testing.T) {
	const (
		trace  = "4bf92f3577b34da6a3ce929d0e0e4736"
		parent = "00f067aa0ba902b7"
		whole  = "00-" + trace + "-" + parent + "-01"
	)
	tests := []struct{ name, value, want string }{
		{"sampled", whole, whole},
		{"not sampled", "00-" + trace + "-" + parent + "-00", "00-" + trace + "-" + parent + "-00"},
		{"white space around", " " + whole + "\t", whole},
		{"later version", "cc-" + trace + "-" + parent + "-01", "cc-" + trace + "-" + parent + "-01"},
		{"later version, longer", "cc-" + trace + "-" + parent + "-01-what-the-future", "cc-" + trace + "-" + parent + "-01"},
		{"later version, glued", "cc-" + trace + "-" + parent + "-01.what", ""},
		{"version 00, longer", whole + "-more", ""},
		{"version ff", "ff" + whole[2:], ""},
		{"upper case", strings.ToUpper(whole), ""},
		{"zero trace", "00-" + strings.Repeat("0", 32) + "-" + parent + "-01", ""},
		{"zero parent", "00-" + trace + "-" + strings.Repeat("0", 16) + "-01", ""},
		{"short", whole[:54], ""},
		{"empty", "", ""},
		{"underscore", strings.Replace(whole, "-", "_", 1), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ParseTraceParent(tt.value); string(got) != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzTraceParent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Fuzz(func(t *testing.T, value string) {
		got := ParseTraceParent(value)
		if got != "" && (len(got) != traceParentLength || !strings.Contains(value, string(got)) || ParseTraceParent(string(got[:2])+string(got[2:])) != got) {
			t.Errorf("of %q got %q", value, got)
		}
	})
}

// TestTraceParent has requests with the field once, twice and never.
func TestTraceParent(t *testing.T) {
	const one, other = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01"
	for _, tt := range []struct {
		name   string
		fields []string
		want   TraceParent
	}{
		{"once", []string{"traceparent=" + one}, one},
		{"twice", []string{"traceparent=" + one, "traceparent=" + other}, ""},
		{"never", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := judged(t, decoder.Client, requested(append([]string{":method=GET", ":scheme=https", ":authority=goproxy.example", ":path=/a"}, tt.fields...)...))
			if got := j.exchanges[0].TraceParent; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
