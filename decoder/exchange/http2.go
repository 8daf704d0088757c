package exchange

import (
	"fmt"
	"maps"
	"slices"

	"golang.org/x/net/http2/hpack"

	"h2trace/decoder"
)

// Frame takes a decoded frame of an HTTP/2 connection.
func (t *Tracker) Frame(f *decoder.Frame) {
	if t == nil {
		return
	}
	t.inferRole(f)
	if !t.known {
		return
	}
	t.rtt.frame(f)
	switch f.Type {
	case decoder.TypeHeaders, decoder.TypeContinuation:
		t.fields(f)
	case decoder.TypePushPromise:
		t.promise(f)
	case decoder.TypeData:
		t.data(f)
	case decoder.TypeRSTStream:
		t.reset(f)
	case decoder.TypeGoAway:
		t.goneAway(f)
	case decoder.TypeWindowUpdate:
		t.granted(f)
	}
}

// inferRole learns which direction is the client's from what only one side says.
func (t *Tracker) inferRole(f *decoder.Frame) {
	if t.known || len(f.Headers) == 0 || f.Type == decoder.TypePushPromise {
		return
	}
	switch f.Headers[0].Name {
	case ":status":
		t.SetClient(f.Dir ^ 1)
	case ":method", ":path", ":scheme", ":authority":
		t.SetClient(f.Dir)
	}
}

// stream returns the exchange that a frame belongs to, and enters it where it
// begins, or is heard of for the first time. It is nil when it has ended.
func (t *Tracker) stream(f *decoder.Frame) *open {
	id, parity := f.StreamID, f.StreamID&1
	if o := t.streams[id]; o != nil || id == 0 {
		return o
	}
	o := &open{Exchange: Exchange{Stream: id, Proto: t.http2()}}
	begins := f.Type == decoder.TypePushPromise || f.Dir == t.client && t.opens(f)
	t.highest[parity] = max(t.highest[parity], id)
	switch {
	case begins && id > t.lastID[parity]:
		if t.lastID[parity] = id; t.firstID[parity] == 0 {
			t.firstID[parity] = id
		}
		o.Start = f.Time
	case t.cfg.FromStart || t.missed[id] || begins:
		return nil
	case t.firstID[parity] != 0 && id >= t.firstID[parity]:
		return nil // it was seen to begin, and has ended
	default:
		o.partial = true
	}
	if len(t.streams) == maxOpen {
		oldest := slices.Min(slices.Collect(maps.Keys(t.streams)))
		t.cut(t.streams[oldest], f.Time, NotEnded)
		delete(t.streams, oldest)
	}
	t.enter(o)
	t.streams[id] = o
	return o
}

// http2 is what HTTP/2 is called on the connection.
func (t *Tracker) http2() Proto {
	if t.cfg.Scheme == "http" {
		return H2C
	}
	return HTTP2
}

// opens reports whether a frame of the client begins a request. Trailers end
// their stream, and have no pseudo-header fields (RFC 9113 §8.1); where the
// fields are not known, a stream above all others is new.
func (t *Tracker) opens(f *decoder.Frame) bool {
	switch {
	case f.Type != decoder.TypeHeaders:
		return false
	case t.cfg.FromStart, !f.Flags.Has(decoder.FlagEndStream), !f.BlockEnd:
		return true
	case len(f.Headers) > 0:
		return f.Headers[0].IsPseudo()
	}
	return f.StreamID > t.highest[f.StreamID&1]
}

// fields takes a frame of a field block; the last has the fields.
func (t *Tracker) fields(f *decoder.Frame) {
	o := t.stream(f)
	if o == nil {
		return
	}
	o.End = max(o.End, f.Time)
	if f.Type == decoder.TypeHeaders {
		o.ending[f.Dir] = f.Flags.Has(decoder.FlagEndStream)
	}
	if !f.BlockEnd {
		return
	}
	if f.Dir == t.client {
		if o.Start == 0 && o.Method == "" && t.opens(f) { // what it said comes late
			o.Start, o.partial = f.Time, false
		}
		o.request(f.Headers)
	} else {
		o.response(f.Time, f.Headers)
	}
	if o.ending[f.Dir] {
		t.complete(o, f)
	}
}

// request takes the fields of a request; trailers have none that matter.
func (o *open) request(fields []hpack.HeaderField) {
	var scheme, authority, path string
	for i := range fields {
		switch f := &fields[i]; f.Name {
		case ":method":
			o.Method = f.Value
		case ":scheme":
			scheme = f.Value
		case ":authority":
			authority = f.Value
		case "host": // of a client that sends no :authority (RFC 9113 §8.3.1)
			if authority == "" {
				authority = f.Value
			}
		case ":path":
			path = f.Value
		}
	}
	if o.URL == "" && authority+path != "" {
		o.URL = authority + path
		if scheme != "" {
			o.URL = scheme + "://" + o.URL
		}
	}
	o.ToProxy = o.ToProxy || o.Method == "CONNECT" && path == "" // RFC 9113 §8.5
}

// response takes the fields of a response. Interim ones (RFC 9110 §15.2) and
// trailers are passed over.
func (o *open) response(at int64, fields []hpack.HeaderField) {
	if len(fields) == 0 || fields[0].Name != ":status" || len(fields[0].Value) != 3 || fields[0].Value[0] == '1' {
		return
	}
	if _, err := fmt.Sscanf(fields[0].Value, "%3d", &o.Status); err != nil {
		return
	}
	o.Response = at
	for i := range fields {
		if fields[i].Name == "location" {
			o.Redirect = fields[i].Value
		}
	}
}

// promise takes a PUSH_PROMISE: a request that the server makes in the
// client's name (RFC 9113 §8.4).
func (t *Tracker) promise(f *decoder.Frame) {
	if f.PromisedID == 0 || f.Dir == t.client {
		return
	}
	pushed := *f
	pushed.StreamID = f.PromisedID
	o := t.stream(&pushed)
	if o == nil {
		return
	}
	o.request(f.Headers)
	o.RequestEnd, o.End = f.Time, f.Time
	o.over[t.client] = true
}

func (t *Tracker) data(f *decoder.Frame) {
	t.spent(f, t.streams[f.StreamID])
	o := t.stream(f)
	if o == nil {
		return
	}
	o.End = max(o.End, f.Time)
	n := &o.ResponseBytes
	if f.Dir == t.client {
		n = &o.RequestBytes
	}
	*n += int64(f.DataLength)
	o.partial = o.partial || f.PaddingUnknown
	if f.Flags.Has(decoder.FlagEndStream) {
		t.complete(o, f)
	}
}

// complete notes that a direction of a stream is complete.
func (t *Tracker) complete(o *open, f *decoder.Frame) {
	o.over[f.Dir] = true
	if f.Dir == t.client {
		o.RequestEnd = f.Time
	} else {
		o.ResponseEnd = f.Time
	}
	if o.over[decoder.Send] && o.over[decoder.Recv] {
		t.end(o, o.End, "END_STREAM")
	}
}

func (t *Tracker) end(o *open, at int64, by string) {
	t.endStalls(o, at, by)
	delete(t.streams, o.Stream)
	if o.Start == 0 {
		if t.missed == nil || len(t.missed) == maxOpen {
			t.missed = make(map[uint32]bool)
		}
		t.missed[o.Stream] = true
	}
	t.report(o, at)
}

// reset takes RST_STREAM. After a complete response the rest of the request is
// not wanted any more, which is no failure (RFC 9113 §8.1).
func (t *Tracker) reset(f *decoder.Frame) {
	o := t.stream(f)
	if o == nil {
		return
	}
	byClient := f.Dir == t.client
	switch {
	case o.over[t.server()]:
	case byClient && t.ended && t.by != EndedUnknown && !t.byClient(t.by):
		o.failed(t.endedBy(t.by))
	case !byClient:
		o.failed(ClassReset, "RST_STREAM "+f.ErrorCode.String())
	case f.ErrorCode == decoder.Cancel || f.ErrorCode == decoder.NoError:
		o.failed(ClassAborted, "RST_STREAM "+f.ErrorCode.String())
	default:
		o.failed(ClassProtocol, "RST_STREAM "+f.ErrorCode.String())
	}
	t.end(o, f.Time, "RST_STREAM")
}

// goneAway takes GOAWAY. Streams above the last that it names were not acted on
// (RFC 9113 §6.8).
func (t *Tracker) goneAway(f *decoder.Frame) {
	if f.Truncated || f.Dir == t.client {
		return
	}
	detail := fmt.Sprintf("GOAWAY %s, last stream %d", f.ErrorCode, f.LastStreamID)
	if len(f.Debug) > 0 {
		detail += fmt.Sprintf(": %q", f.Debug[:min(len(f.Debug), 200)])
	}
	t.goAway = &Error{ClassGoAway, detail}
	for _, id := range slices.Sorted(maps.Keys(t.streams)) {
		if id&1 == 1 && id > f.LastStreamID {
			o := t.streams[id]
			o.failed(ClassGoAway, detail)
			t.end(o, f.Time, "GOAWAY")
		}
	}
}

// Lost notes that bytes were lost, and frames with them: what is open may have
// gone on, or ended.
func (t *Tracker) Lost() {
	if t == nil {
		return
	}
	for _, o := range t.streams {
		o.partial = true
		o.stalls = [2]window{}
	}
	t.conn = [2]window{}
	t.rtt.pending = 0
	t.cfg.FromStart = false
}
