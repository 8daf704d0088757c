package scan

import (
	"bytes"
	"math"
	"time"
)

// Times parses the times of events. Most are in the same second as the one before.
type Times struct {
	prefix []byte // of the last, up to its seconds
	second int64
}

// maxSeconds bounds a time before and after 1970: an int64 has no more in nanoseconds.
const maxSeconds = math.MaxInt64 / 1_000_000_000

// Parse returns a time in Unix nanoseconds, and false if v is none.
func (t *Times) Parse(v []byte) (int64, bool) {
	const layout = `"2006-01-02T15:04:05.000000000Z"`
	const seconds = len(`"2006-01-02T15:04:05.`)
	if len(v) != len(layout) || string(v[len(v)-2:]) != `Z"` {
		return 0, false
	}
	if !bytes.Equal(v[:seconds], t.prefix) {
		at, err := time.Parse(layout, string(v))
		if err != nil || at.Unix() < -maxSeconds || at.Unix() >= maxSeconds {
			return 0, false
		}
		t.prefix, t.second = append(t.prefix[:0], v[:seconds]...), at.Unix()
	}
	var frac int64
	for _, c := range v[seconds : len(v)-2] {
		if c < '0' || c > '9' {
			return 0, false
		}
		frac = frac*10 + int64(c-'0')
	}
	return t.second*1e9 + frac, true
}
