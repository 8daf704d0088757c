package report

import (
	"fmt"
	"strings"
	"time"
)

// share writes a part of the wall time.
func share(part, wall int64) string {
	return fmt.Sprintf("%s of %s (%.0f %%)", human(part), human(wall), 100*float64(part)/float64(max(wall, 1)))
}

// human writes a time for reading.
func human(ns int64) string {
	switch {
	case ns >= 1e9:
		return fmt.Sprintf("%.2f s", float64(ns)/1e9)
	case ns >= 10e6:
		return fmt.Sprintf("%.0f ms", float64(ns)/1e6)
	case ns >= 1e6:
		return fmt.Sprintf("%.1f ms", float64(ns)/1e6)
	}
	return fmt.Sprintf("%.3f ms", float64(ns)/1e6)
}

// several writes how many there are of what is named as one and as more.
func several(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// clock writes a time of the day, in UTC.
func clock(at int64) string { return time.Unix(0, at).UTC().Format("15:04:05.000Z") }

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
