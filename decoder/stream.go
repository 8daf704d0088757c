package decoder

// stream is an open, reserved or half-closed stream (RFC 9113 §5.1). Ten
// thousand of them cost their size.
type stream struct {
	// distance is the credit of each direction minus the initial window.
	distance [2]int64
	// known is false for a direction whose WINDOW_UPDATE lost its value.
	known [2]bool
	// ended says that the direction sent END_STREAM.
	ended [2]bool
	// place is 1 + where it is in raised, by direction, 0 if it is not there.
	place [2]int32
	// reserved is set between PUSH_PROMISE and the pushed HEADERS.
	reserved bool
	// exempt belongs to the response.
	exempt exempt
	// at and content are by direction. content is nil without a Content-Length.
	at      [2]message
	content [2]*content
}
