package exchange

import (
	"fmt"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// Frame takes a decoded frame of an HTTP/2 connection.
func (t *Tracker) Frame(f *decoder.Frame) {
	if t == nil {
		return
	}
	if client, ok := decoder.ClientOf(f); ok && !t.known && f.Type != decoder.TypePushPromise {
		t.SetClient(client)
	}
	if !t.known {
		return
	}
	t.violated(f)
	t.rtt.frame(f)
	t.late[f.Dir] = false
	switch f.Type {
	case decoder.TypeHeaders, decoder.TypeContinuation:
		if !t.promised(f) {
			t.fields(f)
		}
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
	case decoder.TypeSettings:
		if f.Dir == t.server() {
			t.crowd.set(f.Settings)
		}
	}
}

// stream returns the exchange of a frame, and adds it at its first frame. It returns nil if
// the exchange has ended.
func (t *Tracker) stream(f *decoder.Frame) *open {
	id, parity := f.StreamID, f.StreamID&1
	if o := t.heard(id); o != nil || id == 0 {
		return o
	}
	o := &open{Exchange: Exchange{Stream: id, Proto: t.http2()}}
	begins := f.Type == decoder.TypePushPromise || f.Dir == t.client && t.opens(f)
	t.highest[parity] = max(t.highest[parity], id)
	switch {
	case t.missed[id]: // a late frame
		return nil
	case begins && id > t.lastID[parity]:
		if t.lastID[parity] = id; t.firstID[parity] == 0 {
			t.firstID[parity] = id
		}
		o.Start = f.Time
	case t.cfg.FromStart || begins:
		return nil
	case t.firstID[parity] != 0 && id >= t.firstID[parity] && id <= t.lastID[parity]:
		return nil // it has begun and ended
	default:
		o.partial, o.hidden, o.unsure = true, true, [2]bool{true, true}
	}
	t.enter(o, f.Time)
	t.enterStream(o)
	return o
}

// http2 returns the Proto of HTTP/2 on the connection.
func (t *Tracker) http2() Proto {
	if t.cfg.Scheme == "http" {
		return H2C
	}
	return HTTP2
}

// opens reports whether a frame of the client begins a request. Trailers end their stream
// and have no pseudo-header fields (RFC 9113 §8.1). If the fields are unknown, a stream
// above all others is new.
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

// fields takes a frame of a field block. The last frame has the fields.
func (t *Tracker) fields(f *decoder.Frame) {
	o := t.stream(f)
	if o == nil || f.Cut {
		return
	}
	o.End = max(o.End, f.Time)
	if f.Type == decoder.TypeHeaders { // of a CONTINUATION it may be missing
		if o.ending[f.Dir] = f.Flags.Has(decoder.FlagEndStream); !o.ending[f.Dir] {
			o.goesOn(f.Dir)
		}
	}
	if f.Dir == t.client {
		o.sent = f.Time
	}
	if !f.BlockEnd {
		return
	}
	if f.Dir == t.client {
		t.requestFields(o, f)
	} else {
		o.response(f)
		o.skipped = o.skipped && !o.begins(f)
		t.charge(o)
	}
	t.malformed(o, f)
	if o.ending[f.Dir] {
		t.complete(o, f)
	}
}

func (t *Tracker) requestFields(o *open, f *decoder.Frame) {
	if o.Start == 0 && o.Method == "" && t.opens(f) { // a late frame
		o.Start, o.partial = f.Time, false
	}
	if o.request(f.Headers) {
		t.sink.Request(f.Time, &o.Exchange)
		t.charge(o)
	}
}

// promise takes a PUSH_PROMISE: a request that the server makes for the client (RFC 9113
// §8.4).
func (t *Tracker) promise(f *decoder.Frame) {
	if f.PromisedID == 0 || f.Dir == t.client {
		return
	}
	if !f.BlockEnd {
		t.promising = f.PromisedID
		return
	}
	pushed := *f
	pushed.StreamID = f.PromisedID
	o := t.stream(&pushed)
	if o == nil {
		return
	}
	if o.request(f.Headers) {
		t.sink.Request(f.Time, &o.Exchange)
		t.charge(o)
	}
	t.malformed(o, f)
	o.RequestEnd, o.End = f.Time, f.Time
	t.over(o, t.client, f.Time)
}

// promised takes a CONTINUATION frame of a PUSH_PROMISE. It reports whether f is one.
func (t *Tracker) promised(f *decoder.Frame) bool {
	id := t.promising
	if id == 0 || f.Dir == t.client {
		return false
	}
	if f.Type == decoder.TypeContinuation && !f.BlockEnd {
		return true
	}
	t.promising = 0
	if f.Type != decoder.TypeContinuation {
		return false
	}
	whole := *f
	whole.Type, whole.PromisedID = decoder.TypePushPromise, id
	t.promise(&whole)
	return true
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
		o.sent = f.Time
	} else {
		if !f.Cut { // its time is that of the end
			o.came = f.Time
		}
		o.hidden = o.hidden || o.Response == 0 // it came earlier
		o.partial = o.partial || o.skipped
	}
	*n += max(int64(f.DataLength)-int64(f.Missing), 0)
	o.partial = o.partial || f.PaddingUnknown
	t.malformed(o, f)
	if f.Cut || !f.Flags.Has(decoder.FlagEndStream) {
		o.goesOn(f.Dir)
		return
	}
	t.complete(o, f)
}

// complete marks a direction of a stream as complete.
func (t *Tracker) complete(o *open, f *decoder.Frame) {
	t.over(o, f.Dir, f.Time)
	if f.Dir == t.client {
		o.RequestEnd = f.Time
	} else {
		o.ResponseEnd = f.Time
	}
	if o.over[decoder.Send] && o.over[decoder.Recv] {
		t.end(o, o.End, "END_STREAM")
	}
}

// over says that a direction of a stream has no more to send.
func (t *Tracker) over(o *open, d decoder.Direction, at ktime.Time) {
	if o.over[d] {
		return
	}
	o.over[d] = true
	t.unended[d]--
	o.stall(d, t.stood(d, at)-o.before[d])
}

// reset takes RST_STREAM. After a complete response a server resets the rest of the request
// with NO_ERROR (RFC 9113 §8.1), which is no failure. After a complete request, another
// code that the process sends means that the response was incomplete; a peer may have sent
// it before it knew that the message was complete.
func (t *Tracker) reset(f *decoder.Frame) {
	if f.Length != 4 { // an error of the connection, not of the stream (RFC 9113 §6.4)
		return
	}
	o := t.stream(f)
	if o == nil || f.Cut {
		return
	}
	server := t.server()
	unwanted := f.Dir == server && (f.Truncated || f.ErrorCode == decoder.NoError)
	if o.over[t.client] && f.Dir == decoder.Send && !unwanted {
		o.unsure[server] = false
	}
	if !o.over[server] && o.unsure[server] || !o.over[t.client] && o.unsure[t.client] && o.over[server] {
		t.leave(o, f.Time, "RST_STREAM")
		return
	}
	byClient, detail := f.Dir == t.client, "RST_STREAM"
	if !f.Truncated {
		detail += " " + f.ErrorCode.String()
	}
	switch {
	case o.over[server]:
	case byClient && t.ended && t.by != EndedUnknown && !t.byClient(t.by):
		o.again.gone = true
		o.failed(t.endedBy(t.by))
	case !byClient:
		o.again.refused = !f.Truncated && refuses(f.ErrorCode)
		o.failed(ClassReset, detail+t.because(t.client, f.ErrorCode))
	case f.ErrorCode == decoder.Cancel || f.ErrorCode == decoder.NoError:
		o.failed(ClassAborted, detail)
	default:
		o.failed(ClassProtocol, detail+t.because(server, f.ErrorCode))
	}
	t.giveUp(o, f.Time, "RST_STREAM")
}

// goneAway takes GOAWAY. The server did not process streams above the last one that it
// names (RFC 9113 §6.8).
func (t *Tracker) goneAway(f *decoder.Frame) {
	if f.Truncated || f.Length < 8 || f.Dir == t.client {
		return
	}
	detail := fmt.Sprintf("GOAWAY %s, last stream %d", f.ErrorCode, f.LastStreamID) + t.because(t.client, f.ErrorCode)
	if len(f.Debug) > 0 {
		detail += fmt.Sprintf(": %q", f.Debug[:min(len(f.Debug), 200)])
	}
	t.goAway = &Error{ClassGoAway, detail}
	for {
		o := t.byID.above(f.LastStreamID)
		if o == nil {
			return
		}
		o.again.refused = true
		o.failed(ClassGoAway, detail)
		t.giveUp(o, f.Time, "GOAWAY")
	}
}
