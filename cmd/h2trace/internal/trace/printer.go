package trace

import (
	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/verify"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// printed is what all printers share.
type printed struct {
	events *export.JSONL
	losses *lossBook
	// spoke holds the processes with a connection that was understood.
	spoke  map[int]bool
	frames uint64
}

// printer prints what the decoder of a connection finds. It is the decoder.Sink.
type printer struct {
	*connInfo
	shared    *printed
	fed       *feeder
	exchanges exchangeSink
	wire      *wireConn    // set where bytes come from packets
	verify    *verify.Conn // nil unless headers are to be verified

	announced bool            // the open event is printed
	spoken    bool            // see understood
	mixed     *exchange.Error // client and server do not speak the same
	// inStep says by direction that the header table was known after the last block.
	// astray says that a block made it unknown, until it is asked for.
	inStep [2]bool
	astray bool
}

// An optional sink with a method that does not fit would silently be none.
var _ interface {
	decoder.ByteSink
	decoder.FloodSink
	decoder.LossSink
	decoder.MixedSink
	decoder.NoteSink
} = (*printer)(nil)

// isNothing reports whether a connection without TLS does not speak HTTP, and nothing
// was printed of it.
func (p *printer) isNothing() bool {
	if p.wire == nil || p.announced || p.event.Protocol != "" {
		return false
	}
	return p.wire.tls == nil || !p.wire.tls.isTLS()
}

// announce prints the open event, once.
func (p *printer) announce() {
	if p.announced {
		return
	}
	p.announced = true
	if p.scheme == "https" {
		p.understood()
	}
	p.shared.events.Conn(p.at(p.since), &p.event, export.ConnOpen{})
}

// understood notes that the traffic of the process is understood: TLS, or HTTP without
// TLS. A search for frames is not enough.
func (p *printer) understood() {
	if !p.spoken {
		p.spoken = true
		p.shared.spoke[p.meta.PID] = true
	}
}

// isOf sets the role of the process, if it was unknown.
func (p *printer) isOf(role decoder.Role) {
	client, known := role.Client()
	if p.event.Role != decoder.RoleUnknown || !known {
		return
	}
	p.event.Role = role
	p.exchanges.tracker.SetClient(client)
	p.fed.decoder.SetRole(role)
}

// Protocol implements decoder.Sink.
func (p *printer) Protocol(_ ktime.Time, spoken decoder.Protocol, fromStart bool) {
	switch spoken {
	case decoder.HTTP2:
		p.event.Protocol = export.ProtocolH2
		if p.scheme == "http" {
			p.event.Protocol = export.ProtocolH2C
		}
	case decoder.HTTP1:
		p.event.Protocol = export.ProtocolHTTP11
		p.understood()
	}
	if fromStart {
		p.event.Joined = export.JoinedStart
	}
	p.isOf(p.fed.decoder.Role())
	if p.isNothing() {
		return
	}
	p.announce()
}

// Frame implements decoder.Sink.
func (p *printer) Frame(f *decoder.Frame) {
	p.shared.frames++
	if f.BlockEnd {
		known := p.fed.decoder.TableKnown(f.Dir)
		p.astray = p.astray || p.inStep[f.Dir] && !known
		p.inStep[f.Dir] = known
	}
	p.understood()
	p.shared.events.Frame(p.at(f.Time), f)
	p.exchanges.tracker.Frame(f)
	if p.verify != nil && f.BlockEnd {
		p.verify.Decoded(verifiedBlock(f, p.fed.decodedUpTo(f.Dir)))
	}
}

// Resync implements decoder.Sink.
func (p *printer) Resync(at ktime.Time, dir decoder.Direction, skipped int64) {
	p.shared.events.Conn(p.at(at), &p.event, export.ConnResync{Dir: dir, Skipped: skipped})
	p.exchanges.tracker.Lost(dir)
}

// Flooded implements decoder.FloodSink.
func (p *printer) Flooded(at ktime.Time, dir decoder.Direction) {
	p.shared.events.Conn(p.at(at), &p.event, export.ConnFlood{Dir: dir})
}

// Counted implements decoder.FloodSink. The header tables are to be found again.
func (p *printer) Counted(f *decoder.Flood) {
	p.shared.events.Conn(p.at(f.End), &p.event, export.ConnCounted{Flood: f})
	p.astray = true
}

// Lost implements decoder.LossSink.
func (p *printer) Lost(dir decoder.Direction) { p.exchanges.tracker.Lost(dir) }

// Bytes implements decoder.ByteSink.
func (p *printer) Bytes(at ktime.Time, dir decoder.Direction, b []byte) {
	p.shared.events.Moved(p.meta.Conn, dir, int64(len(b)))
	p.exchanges.tracker.Data(at, dir, b)
}

// Gap implements decoder.ByteSink.
func (p *printer) Gap(at ktime.Time, dir decoder.Direction, n int64) {
	p.shared.events.Moved(p.meta.Conn, dir, n)
	p.exchanges.gap(at, dir, n)
}

// lossNote is a loss to announce once the bytes before it are decoded.
type lossNote struct {
	at             ktime.Time
	records, bytes uint64
	why            bpf.Reasons
}

// Noted implements decoder.NoteSink.
func (p *printer) Noted(note any) {
	switch n := note.(type) {
	case lossNote:
		p.announceLoss(n.at, n.records, n.bytes, n.why)
	case overrunNote:
		p.announce()
		p.shared.events.Loss(&export.Loss{Time: n.at, Reason: export.LossGap, Bytes: &n.bytes, Conn: p.meta.Conn})
	}
}

// isTLSElsewhere reports whether probes report what a connection carries, as another
// connection. Nothing is printed of this one.
func (p *printer) isTLSElsewhere() bool {
	return p.wire != nil && p.wire.tls != nil && p.wire.tls.elsewhere
}

// announceLoss announces missing records. Those of no use are left to the end, which counts
// all that were lost.
func (p *printer) announceLoss(at ktime.Time, records, bytes uint64, why bpf.Reasons) {
	if p.isTLSElsewhere() {
		return
	}
	p.announce()
	p.shared.losses.gap(at, p.meta.Conn, records, bytes, why)
}

// overrunNote is that bytes are given up, because too many came after them.
type overrunNote struct {
	at    ktime.Time
	bytes uint64
}

// Mixed implements decoder.MixedSink.
func (p *printer) Mixed(at ktime.Time, line string) {
	detail := exchange.MixedDetail(line)
	p.mixed = &exchange.Error{Class: exchange.ClassProtocol, Detail: detail}
	p.exchanges.tracker.Mixed(at, detail)
}

// protocolError returns what is wrong with the connection as a whole, or nil.
func (p *printer) protocolError() *exchange.Error {
	http2 := p.event.Protocol == export.ProtocolH2 || p.event.Protocol == export.ProtocolH2C ||
		p.event.Protocol == "" && p.event.TLS != nil && p.event.TLS.ALPN == "h2"
	if p.mixed == nil && http2 && p.fed.decoder.BadPreface() {
		return &exchange.Error{Class: exchange.ClassProtocol, Detail: "the client's first bytes are no connection preface (RFC 9113 §3.4)"}
	}
	return p.mixed
}

// printClose prints the close event. It has the byte counts if all of them are known.
func (p *printer) printClose(end connEnd, known bool, path *export.Path) {
	e := export.ConnClose{Error: p.protocolError(), Path: path}
	if n := p.ciphertextBytes(); n != nil {
		e.BytesSent, e.BytesReceived = &n[bpf.Send], &n[bpf.Recv]
	} else if known {
		e.BytesSent, e.BytesReceived = &p.fed.next[bpf.Send].offset, &p.fed.next[bpf.Recv].offset
	}
	frames := uint64(p.fed.decoder.Frames(decoder.Send) + p.fed.decoder.Frames(decoder.Recv))
	e.Frames = &frames
	if crowd := p.exchanges.tracker.Crowd(); crowd.Peak > 0 && frames > 0 {
		e.Crowd = &crowd
	}
	p.shared.events.Conn(p.at(end.time()), &p.event, e)
}
