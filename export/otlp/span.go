package otlp

import (
	"bytes"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of Span (opentelemetry/proto/trace/v1/trace.proto), and of the messages in it.
const (
	spanTraceID           = 1 // and its own id is 2
	spanParentID          = 4
	spanName              = 5
	spanKind              = 6
	spanStart             = 7
	spanEnd               = 8
	spanAttributes        = 9
	spanDroppedAttributes = 10
	spanEvents            = 11
	spanDroppedEvents     = 12
	spanLinks             = 13
	spanDroppedLinks      = 14
	spanStatus            = 15
	spanFlags             = 16

	eventTime              = 1
	eventName              = 2
	eventAttributes        = 3
	eventDroppedAttributes = 4

	linkTraceID = 1 // and that of the span is 2
	linkFlags   = 6

	statusMessage = 2
	statusCode    = 3
)

// Beside the W3C flags, those of a span say whether its parent is of another process (SpanFlags).
const (
	knowsRemote = 0x100
	isRemote    = 0x200
)

// statusError is STATUS_CODE_ERROR.
const statusError = 2

// span is a span that an Exporter makes: one after the other, in the same memory.
type span struct {
	attributes
	msg     message
	limits  sdktrace.SpanLimits
	context trace.SpanContext
	flags   uint32
	events  int    // that are still allowed; below 0 is no limit
	lost    uint64 // events beyond
}

// begin begins a span, whose parent is the zero SpanContext if it is a root. What follows up to
// send is of this span.
func (x *Exporter) begin(name string, kind trace.SpanKind, parent trace.SpanContext, from, to time.Time) *span {
	return x.beginAs(x.identify(name, kind, parent), name, kind, parent, from, to)
}

// beginAs begins a span that has its ids already.
func (x *Exporter) beginAs(id trace.SpanContext, name string, kind trace.SpanKind, parent trace.SpanContext, from, to time.Time) *span {
	s := &x.span
	s.context = id
	s.msg, s.flags = s.msg[:0], flagsOf(s.context, parent)
	s.events, s.lost = s.limits.EventCountLimit, 0
	s.attributes = attributes{to: &s.msg, field: spanAttributes, count: s.limits.AttributeCountLimit, length: s.limits.AttributeValueLengthLimit}
	s.msg.ids(spanTraceID, s.context)
	if id := parent.SpanID(); id.IsValid() {
		s.msg.bytes(spanParentID, id[:])
	}
	s.msg.text(spanName, name)
	s.msg.varint(spanKind, uint64(kind)) // the numbers are the same
	s.msg.time(spanStart, from)
	s.msg.time(spanEnd, to)
	return s
}

// ids appends the ids of a span to a message, which has them in a field and the next.
func (m *message) ids(first protowire.Number, of trace.SpanContext) {
	t, s := of.TraceID(), of.SpanID()
	m.bytes(first, t[:])
	m.bytes(first+1, s[:])
}

// time appends a time, those before 1970 as unknown.
func (m *message) time(field protowire.Number, at time.Time) {
	if ns := at.UnixNano(); ns > 0 {
		m.fixed64(field, uint64(ns))
	}
}

func flagsOf(s, parent trace.SpanContext) uint32 {
	flags := uint32(s.TraceFlags()) | knowsRemote
	if parent.IsRemote() {
		flags |= isRemote
	}
	return flags
}

// link adds the link to another span. There is one at most.
func (s *span) link(to trace.SpanContext) {
	if s.limits.LinkCountLimit == 0 {
		s.msg.varint(spanDroppedLinks, 1)
		return
	}
	start := s.msg.begin(spanLinks)
	s.msg.ids(linkTraceID, to)
	s.msg.fixed32(linkFlags, flagsOf(to, to))
	s.msg.end(start)
}

// event adds an event, with the attributes that add adds, unless there are too many.
func (s *span) event(name string, at time.Time, add func(*attributes)) {
	if s.events == 0 {
		s.lost++
		return
	}
	s.events--
	start := s.msg.begin(spanEvents)
	s.msg.time(eventTime, at)
	s.msg.text(eventName, name)
	a := attributes{to: &s.msg, field: eventAttributes, count: s.limits.AttributePerEventCountLimit, length: -1}
	add(&a)
	if a.dropped > 0 {
		s.msg.varint(eventDroppedAttributes, a.dropped)
	}
	s.msg.end(start)
}

// status ends the span: with an error, or with nothing said of its outcome.
func (s *span) status(failed bool, text string) {
	start := s.msg.begin(spanStatus)
	if failed {
		if text != "" {
			s.msg.text(statusMessage, text)
		}
		s.msg.varint(statusCode, statusError)
	}
	s.msg.end(start)
}

// send sends the span, as one of a process, if it is sampled.
func (x *Exporter) send(p *process) {
	s := &x.span
	if !s.context.IsSampled() {
		x.unsampled.Add(1)
		return
	}
	if s.dropped > 0 {
		s.msg.varint(spanDroppedAttributes, s.dropped)
	}
	if s.lost > 0 {
		s.msg.varint(spanDroppedEvents, s.lost)
	}
	s.msg.fixed32(spanFlags, s.flags)
	x.sender.add(waiting{resource: x.resourceOf(p), span: x.kept(s.msg)})
}

// chunkSize is that of the memory that spans share while they wait.
const chunkSize = 64 << 10

// kept returns a copy of a message, in memory that it shares with others: many small pieces would
// cost the garbage collector more than they cost to fill.
func (x *Exporter) kept(m message) []byte {
	if len(m) > chunkSize/8 {
		return bytes.Clone(m)
	}
	if cap(x.chunk)-len(x.chunk) < len(m) {
		x.chunk = make([]byte, 0, chunkSize)
	}
	start := len(x.chunk)
	x.chunk = append(x.chunk, m...)
	return x.chunk[start:len(x.chunk):len(x.chunk)]
}

// maxValue bounds the texts of spans, unless OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT does.
const maxValue = 2048

func newLimits() sdktrace.SpanLimits {
	l := sdktrace.NewSpanLimits()
	if l.AttributeValueLengthLimit < 0 {
		l.AttributeValueLengthLimit = maxValue
	}
	return l
}
