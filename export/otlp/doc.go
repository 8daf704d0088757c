// Package otlp sends what was observed to an OpenTelemetry collector, over HTTP: of each exchange
// a span by the stable semantic conventions for HTTP, of each connection one for its
// establishment, and metrics. It takes events as lines (see package export).
//
// Spans are made by the tracer of the OpenTelemetry SDK, with the times of the events, and made
// messages of by its exporter. So the sampler, the limits and the resource of OTEL_… variables
// hold here, too. Only the sender is its own, for three reasons. The one of the SDK links gRPC, of
// 5 MB. It counts neither the spans that it drops nor those that a collector rejects. And it takes
// any response with status 200 as that of a collector, also the page of a web server.
//
// # Bounds
//
// 4096 spans wait to be sent. Further ones are dropped, and counted. A batch that is not taken
// within a minute is dropped, too. At the end, everything is over after 5 s. Sent is only what a
// collector acknowledged.
package otlp
