// Package otlp sends what was observed to an OpenTelemetry collector, over HTTP: of each exchange
// a span by the stable semantic conventions for HTTP, of each connection one for its
// establishment, and metrics. It takes events as lines (see package export).
//
// Each event becomes the bytes of a protobuf message at once, as a span may cost no more than some
// microseconds. The SDK of OpenTelemetry takes three times as long for one, and its sender links
// gRPC, of 5 MB. Its sampler, its limits and its resource of OTEL_… variables are used here, too.
// The sender counts the spans that it drops and those that a collector rejects. It takes no
// response for that of a collector that is none, such as the page of a web server.
//
// # Bounds
//
// 4096 spans and 8 MiB of them wait to be sent. Further ones are dropped, and counted. So are
// stalls, of which 16,384 wait for the end of their exchange. A batch that is not taken within a
// minute is dropped, too. At the end, everything is over after 5 s. Sent is only what a collector
// acknowledged.
package otlp
