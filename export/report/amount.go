package report

import (
	"fmt"
	"strings"
	"time"
)

// share writes a part of the wall time.
func share(part, wall time.Duration) string {
	return fmt.Sprintf("%s of %s (%.0f %%)", human(part), human(wall), 100*float64(part)/float64(max(wall, 1)))
}

// human writes a duration for reading.
func human(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", float64(d)/1e9)
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3f ms", float64(d)/1e6)
}

// several writes a number with the singular or the plural.
func several(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// wallTime is a time in Unix nanoseconds. The zero wallTime is unknown.
type wallTime int64

// sub returns the duration t-u.
func (t wallTime) sub(u wallTime) time.Duration { return time.Duration(t - u) }

// add returns the time t+d.
func (t wallTime) add(d time.Duration) wallTime { return t + wallTime(d) }

// clock writes a time of the day, in UTC.
func clock(at wallTime) string { return time.Unix(0, int64(at)).UTC().Format("15:04:05.000Z") }

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
