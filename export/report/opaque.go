package report

import "h2trace/export/scan"

// opaque counts the connections of which nothing was decoded, and the frames of others that
// were not.
type opaque struct {
	conns   int64
	reason  string // of the first
	counted int64
}

// countedEvent is the end of a flood, with the frames that were counted in it.
type countedEvent struct {
	head
	frames int64
}

func (e *countedEvent) member(key, v []byte) {
	if string(key) != "counted" {
		return
	}
	scan.Elements(v, func(of []byte) {
		frames, _ := scan.Integer(scan.Member(of, "frames"))
		e.frames += max(frames, 0)
	})
}

// close takes the end of a connection.
func (o *opaque) close(e *closeEvent) {
	reason := scan.Text(e.reason)
	if reason == "" || e.moved == 0 {
		return
	}
	if o.conns++; o.conns == 1 {
		o.reason = reason
	}
}

// Opaque counts the connections of which nothing was decoded, and says why not of the first.
type Opaque struct {
	Conns  int64  `json:"conns"`
	Reason string `json:"reason"`
	// Counted is how many frames of others were only counted, in floods.
	Counted int64 `json:"counted_frames"`
}
