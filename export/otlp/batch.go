package otlp

import (
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// The fields of TracesData and MetricsData, which have the same form, and of the messages in them
// (opentelemetry/proto/trace/v1/trace.proto, metrics/v1/metrics.proto). The messages of an export
// request have it, too, but their packages link gRPC.
const (
	dataResources = 1

	ofResource       = 1
	ofResourceScopes = 2
	ofResourceSchema = 3

	resourceAttributes = 1

	ofScope       = 1
	ofScopeItems  = 2
	ofScopeSchema = 3

	scopeName    = 1
	scopeVersion = 2
)

// resourceMessage returns the fields of ResourceSpans or ResourceMetrics that describe a resource.
func resourceMessage(r *resource.Resource) message {
	var m message
	start := m.begin(ofResource)
	a := unlimited(&m, resourceAttributes)
	a.set(r.Attributes())
	m.end(start)
	if url := r.SchemaURL(); url != "" {
		m.text(ofResourceSchema, url)
	}
	return m
}

// scopeMessage returns the fields of ScopeSpans or ScopeMetrics that say who makes them.
func scopeMessage(version string) message {
	var m message
	start := m.begin(ofScope)
	m.text(scopeName, scope)
	if version != "" {
		m.text(scopeVersion, version)
	}
	m.end(start)
	m.text(ofScopeSchema, semconv.SchemaURL)
	return m
}

// waiting is a span that waits to be sent.
type waiting struct {
	resource string // resourceMessage of its process
	span     []byte
}

// batch makes messages of spans, in the same memory.
type batch struct {
	scope  message
	spans  []waiting
	bytes  int              // of the spans
	groups map[string][]int // by resource; the indices of spans
	order  []string         // of resources
	msg    message
}

func newBatch(version string) *batch {
	return &batch{scope: scopeMessage(version), groups: make(map[string][]int)}
}

func (b *batch) add(w waiting) {
	b.spans = append(b.spans, w)
	b.bytes += len(w.span)
}

// clear forgets all spans, and the resources of processes that may be gone.
func (b *batch) clear() {
	clear(b.spans)
	clear(b.groups)
	clear(b.order)
	b.spans, b.order, b.msg, b.bytes = b.spans[:0], b.order[:0], b.msg[:0], 0
}

// message returns the message of the spans, those of a resource together. It is valid
// until clear.
func (b *batch) message() []byte {
	for i, w := range b.spans {
		if len(b.groups[w.resource]) == 0 {
			b.order = append(b.order, w.resource)
		}
		b.groups[w.resource] = append(b.groups[w.resource], i)
	}
	for _, r := range b.order {
		of := b.msg.begin(dataResources)
		b.msg = append(b.msg, r...)
		in := b.msg.begin(ofResourceScopes)
		b.msg = append(b.msg, b.scope...)
		for _, i := range b.groups[r] {
			b.msg.bytes(ofScopeItems, b.spans[i].span)
		}
		b.msg.end(in)
		b.msg.end(of)
	}
	return b.msg
}
