package redact

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkRedactHostile searches values that are designed to be slow. The time per byte
// must not grow with the length.
func BenchmarkRedactHostile(b *testing.B) {
	for name, part := range hostile {
		for _, size := range []int{4 << 10, 256 << 10} {
			var value strings.Builder
			for i := 0; value.Len() < size; i++ {
				value.WriteString(part(i))
			}
			b.Run(fmt.Sprintf("%s-%dk", name, size>>10), func(b *testing.B) {
				r := New()
				b.SetBytes(int64(size))
				for b.Loop() {
					r.Text(value.String())
				}
			})
		}
	}
}

// hostile are parts of texts that are designed to be slow.
var hostile = map[string]func(i int) string{
	"names":       func(int) string { return "x=" },
	"secrets":     func(int) string { return "&token=" },
	"authorities": func(int) string { return " //a@" },
	"percents":    func(int) string { return "%25" },
	"quotes":      func(int) string { return `token="\"` },
	"levels":      func(i int) string { l := "%" + strings.Repeat("25", i) + "2F"; return "!" + l + l },
	"colons":      func(int) string { return "token:" },
	"words":       func(int) string { return "token: Bearer " },
	"ats":         func(int) string { return "a:b@!" },
	"hosts":       func(int) string { return "a:b@c@" },
	"webs":        func(int) string { return "eyJhbGciOiJh" },
	"keys":        func(int) string { return "sk-" },
	"dates":       func(int) string { return "sk-2024-01-01-" },
	"tokens":      func(int) string { return "ghp_" },
	"segments":    func(int) string { return "/token/a1" },
	"pem":         func(int) string { return "-----BEGIN KEY-----" },
	"empty pem":   func(int) string { return "-----BEGIN KEY----------END" },
	"json":        func(int) string { return `{"token":` },
	"slashes":     func(int) string { return `https:/\` },
	"flags":       func(int) string { return "--token --" },
	"headers":     func(int) string { return "cookie:" },
	"marks":       func(int) string { return "<redacted" },
	"one name":    func(int) string { return "token" },
}

// TestHugeText is about one text of 16 MB of each kind: what is made of it is bounded, and so is
// what is kept. A search that is not linear does not end in time.
func TestHugeText(t *testing.T) {
	const size = 16 << 20
	for name, part := range hostile {
		var text strings.Builder
		for i := 0; text.Len() < size; i++ {
			text.WriteString(part(i % 1024))
		}
		r := New()
		if out, _ := r.Text(text.String()); len(out) > 4*text.Len() {
			t.Errorf("%s: %d bytes became %d", name, text.Len(), len(out))
		}
		if r.Text("token=x"); cap(r.out)+cap(r.name) > 2*maxKeptBuffer {
			t.Errorf("%s: %d bytes are kept", name, cap(r.out)+cap(r.name))
		}
	}
}
