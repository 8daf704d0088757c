package decoder

// stream is an open, reserved or half-closed stream (RFC 9113 §5.1). Its size
// decides what ten thousand of them cost.
type stream struct {
	// distance is the credit of each direction minus the initial window.
	distance [2]int64
	// known is cleared for a direction when a WINDOW_UPDATE lost its value.
	known [2]bool
	// ended says that the direction sent END_STREAM.
	ended [2]bool
	// reserved is set between PUSH_PROMISE and the pushed HEADERS.
	reserved bool
	// exempt is of the response.
	exempt exempt
	// at is by direction, and so is content, nil where none is declared.
	at      [2]message
	content [2]*content
}
