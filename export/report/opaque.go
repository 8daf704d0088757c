package report

import "h2trace/export/scan"

// opaque counts the connections of which nothing was decoded.
type opaque struct {
	conns  int64
	reason string // of the first
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
}
