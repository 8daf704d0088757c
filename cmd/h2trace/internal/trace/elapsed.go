package trace

import (
	"time"

	"h2trace/decoder/ktime"
)

// elapsed returns the time from one event to another, or nil where it is unknown: the clock of a capture
// may have been set back in between.
func elapsed(from, to ktime.Time) *time.Duration {
	if from == 0 || to < from {
		return nil
	}
	return new(to.Sub(from))
}
