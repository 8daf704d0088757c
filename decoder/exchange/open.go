package exchange

import (
	"strconv"
	"time"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// open is an exchange that has not ended. Tens of thousands may be open at
// once: what few of them need is allocated when they do.
type open struct {
	Exchange
	older, newer *open // in order of their beginning
	place        int32 // in byID
	cost         int32 // what it takes of the budget

	over   [2]bool // by direction, what it sends is complete
	ending [2]bool // END_STREAM came, and the field block is not complete
	// unsure is set for a direction that may have become complete in bytes that
	// were not seen.
	unsure  [2]bool
	partial bool // body bytes may have been missed
	hidden  bool // the head of the response may have been missed
	unclear bool // the latest byte of the response came some time before came
	losses  [2]uint32

	sent ktime.Time // the latest byte of the request
	came ktime.Time // the latest byte of the response
	// before is how long the connection had stood still, by direction, when the
	// exchange began.
	before [2]time.Duration
	flow   *flow // nil before the first DATA or WINDOW_UPDATE
	// settings is the HTTP2-Settings field of a request on HTTP/1.1.
	settings string
	alike    *open // the next with the same request, see waiting
	early    int32 // bytes held of what came after the response to it, see upgrade
}

// certain reports whether the end of an exchange cannot have been missed.
func (o *open) certain() bool {
	for d := range o.over {
		if !o.over[d] && o.unsure[d] {
			return false
		}
	}
	return true
}

// goesOn notes that a direction has more to say after what it said.
func (o *open) goesOn(d decoder.Direction) { o.unsure[d] = false }

// giveUp gives an exchange that is not complete the times that it has up to
// there, at, which is 0 where that is not known.
func (o *open) giveUp(client decoder.Direction, at ktime.Time) {
	server := client ^ 1
	if !o.over[client] && !o.unsure[client] {
		o.RequestEnd = o.sent
	}
	switch {
	case at == 0 || o.over[server] || o.unsure[server]:
	case o.Response != 0:
		o.ResponseEnd = at
		if !o.hidden && !o.partial && !o.unclear {
			o.Latest = max(o.came, o.Response)
		}
	default:
		o.Unanswered = !o.hidden
	}
}

// order keeps what ends from ending before it began: after a loss the frames of
// one direction are found late, and may have the time of what they were found by.
func (o *open) order() {
	if o.RequestEnd != 0 {
		o.Start = min(o.Start, o.RequestEnd)
	}
	if o.ResponseEnd != 0 {
		o.Response = min(o.Response, o.ResponseEnd)
	}
	if o.End != 0 {
		o.End = max(o.End, o.Start, o.RequestEnd, o.Response, o.ResponseEnd)
	}
}

// failed says why an exchange ended before its response was complete. A status
// that tells of a failure counts more: a client need not read what comes with
// it.
func (o *open) failed(c Class, detail string) {
	if o.judge(); o.Error == nil {
		o.Error = &Error{c, detail}
	}
}

// judge gives an exchange the error of its status.
func (o *open) judge() {
	switch o.Status / 100 {
	case 4:
		o.Error = &Error{ClassHTTP4xx, strconv.Itoa(o.Status)}
	case 5:
		o.Error = &Error{ClassHTTP5xx, strconv.Itoa(o.Status)}
	}
}
