package schema

import (
	"fmt"
	"testing"
)

// BenchmarkLine checks a frame that is like one before, and one that is like none.
func BenchmarkLine(b *testing.B) {
	frame := func(i int) []byte {
		return []byte(frameLineOf(fmt.Sprintf(`,"dir":"recv","stream":%d,"type":"WINDOW_UPDATE","flags":[],"length":4,"increment":%d`, i%1000+1, i%100000+1)))
	}
	b.Run("alike", func(b *testing.B) {
		v := validator(b)
		for i := range b.N {
			if err := v.Line(frame(i)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("new", func(b *testing.B) {
		v := validator(b)
		for i := range b.N {
			if err := v.check(frame(i)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
