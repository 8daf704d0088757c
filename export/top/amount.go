package top

import (
	"strconv"
	"time"
)

// Amounts take at most five columns, and six with a sign.

// amount returns a number with three digits or so, and a letter for a power of 1000.
func amount(f float64) string {
	if f < 0 {
		return "-" + amount(-f)
	}
	for _, unit := range [...]string{"", "k", "M", "G", "T", "P"} {
		switch {
		case f < 9.95 && unit != "":
			return strconv.FormatFloat(f, 'f', 1, 64) + unit
		case f < 999.5:
			return strconv.FormatFloat(f, 'f', 0, 64) + unit
		case f < 9999.5 && unit == "":
			return strconv.FormatFloat(f, 'f', 0, 64)
		}
		f /= 1000
	}
	return "lots"
}

// rate is amount with a decimal where there are few.
func rate(f float64) string {
	if f > 0 && f < 99.95 {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return amount(f)
}

// credits returns what is left of a window.
func credits(c Credit) string {
	if !c.Known {
		return "-"
	}
	return amount(float64(c.Bytes))
}

// span returns a time.
func span(d time.Duration) string {
	switch s := d.Seconds(); {
	case d < 0:
		return "-"
	case d == 0:
		return "0"
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(s*1e3, 'f', 1, 64) + "ms"
	case d < 999500*time.Microsecond:
		return strconv.FormatFloat(s*1e3, 'f', 0, 64) + "ms"
	case s < 99.95:
		return strconv.FormatFloat(s, 'f', 1, 64) + "s"
	case s < 5999.5:
		return strconv.FormatFloat(s/60, 'f', 0, 64) + "m"
	case s < 359999.5:
		return strconv.FormatFloat(s/3600, 'f', 0, 64) + "h"
	default:
		return strconv.FormatFloat(s/86400, 'f', 0, 64) + "d"
	}
}

// mean returns a mean time, which is 0 if there is none.
func mean(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return span(d)
}
