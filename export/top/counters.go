package top

import (
	"time"

	"h2trace/export/scan"
)

// Counters are what happened since the observation began.
type Counters struct {
	Requests int64         // that ended
	Failed   int64         // of them: no complete, successful response
	Took     time.Duration // of all that ended and whose time is known
	Timed    int64         // how many these are
	Frames   int64
	Bytes    Pair // of frames, headers and all; of HTTP/1.x of messages
	Stalls   int64
	Stalled  time.Duration
	Lost     int64 // records
}

// Pair is a number for what the observed process sends, and one for what it receives.
type Pair struct{ Sent, Received int64 }

// Rates are what happens in a second, and the mean time of requests.
type Rates struct {
	Requests, Sent, Received float64
	Took                     time.Duration // 0 if none ended
}

// meter has the counters of a row, and their rates between two ticks.
type meter struct {
	Counters
	InFlight int64

	before Counters // at the last tick
	rates  Rates
}

// tick sets the rates to those since the last tick.
func (m *meter) tick(over time.Duration) {
	m.rates = ratesOf(&m.Counters, &m.before, over)
	m.before = m.Counters
}

func ratesOf(now, before *Counters, over time.Duration) Rates {
	var r Rates
	if n := now.Timed - before.Timed; n > 0 {
		r.Took = (now.Took - before.Took) / time.Duration(n)
	}
	if s := over.Seconds(); s > 0 {
		r.Requests = float64(now.Requests-before.Requests) / s
		r.Sent = float64(now.Bytes.Sent-before.Bytes.Sent) / s
		r.Received = float64(now.Bytes.Received-before.Bytes.Received) / s
	}
	return r
}

// count returns a number of an event that is not negative, and 0 for null and all else.
func count(v []byte) int64 {
	n, _ := scan.Integer(v)
	return max(n, 0)
}
