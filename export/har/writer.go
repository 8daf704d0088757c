package har

import (
	"bufio"
	"io"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"h2trace/export"
	"h2trace/export/scan"
)

// Writer converts events. They may come from several recordings, each of which ends with a
// summary, or with EndFile.
type Writer struct {
	to      *bufio.Writer
	creator string
	times   scan.Times
	event   scan.Object
	at      int64 // of the event, nanoseconds
	last    int64 // the latest of the recording

	servers *simplelru.LRU[string, string] // address of the server by connection
	pending *simplelru.LRU[streamID, *stream]
	held    int // bytes of pending
	entries sorter
	entry   []byte

	recordings int // before this one

	// LeftOut is how many exchanges lack headers or bodies that the recording has.
	LeftOut int64
}

// The bounds on what is kept of a recording at once.
const (
	maxConns   = 1 << 14
	maxStreams = 1 << 15
	maxPending = 16 << 20 // bytes of headers and bodies
	maxBody    = 8 << 20  // bytes
	maxID      = 64       // bytes of the id of a connection, or of a stream
)

// New returns a Writer to w, and version is that of h2trace. Close must be called at the end.
func New(w io.Writer, version string) *Writer {
	h := &Writer{to: bufio.NewWriterSize(w, 64<<10), creator: version, entries: sorter{limit: maxPiece}}
	h.servers, _ = simplelru.NewLRU[string, string](maxConns, nil) // it fails for no size alone
	h.pending, _ = simplelru.NewLRU(maxStreams, func(_ streamID, s *stream) { h.held -= s.size })
	return h
}

// Take converts a line, and reports whether it is an event. It returns the first error of the
// temporary file.
func (h *Writer) Take(line []byte) (isEvent bool, err error) {
	e := &h.event
	if !e.Parse(line) {
		return false, h.entries.err
	}
	var timed bool
	if h.at, timed = h.times.Parse(e.Get("ts")); !timed {
		return false, h.entries.err
	}
	h.last = max(h.last, h.at)
	switch string(e.Word("event")) {
	case "conn":
		h.conn()
	case "frame":
		h.frame()
	case "request":
		h.request()
	case "exchange":
		h.exchange()
	case "summary":
		h.EndFile()
	}
	return true, h.entries.err
}

// EndFile ends a recording: what has no response gets none.
func (h *Writer) EndFile() {
	for h.pending.Len() > 0 {
		id, s, _ := h.pending.GetOldest()
		h.pending.Remove(id)
		h.unanswered(id, s)
	}
	h.servers.Purge()
	if h.last > 0 {
		h.recordings++
	}
	h.last = 0
}

// Close writes the archive, and returns the first error.
func (h *Writer) Close() error {
	h.EndFile()
	b := export.AppendString([]byte(`{"log":{"version":"1.2","creator":{"name":"h2trace","version":`), h.creator)
	_, _ = h.to.Write(append(b, `},"entries":[`...)) // an error comes again
	sep := "\n"
	err := h.entries.each(func(entry io.Reader) error {
		_, _ = h.to.WriteString(sep)
		sep = ",\n"
		_, err := io.Copy(h.to, entry)
		return err
	})
	_, _ = h.to.WriteString("\n]}}\n")
	if err != nil {
		return err
	}
	return h.to.Flush()
}
