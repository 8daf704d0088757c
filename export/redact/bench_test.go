package redact

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkRedactHostile searches values that are designed to be slow. The time per byte
// must not grow with the length.
func BenchmarkRedactHostile(b *testing.B) {
	patterns := map[string]func(i int) string{
		"names":       func(int) string { return "x=" },
		"secrets":     func(int) string { return "&token=" },
		"authorities": func(int) string { return " //a@" },
		"percents":    func(int) string { return "%25" },
		"quotes":      func(int) string { return `token="\"` },
		"levels":      func(i int) string { l := "%" + strings.Repeat("25", i) + "2F"; return "!" + l + l },
	}
	for name, part := range patterns {
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
