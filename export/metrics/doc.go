// Package metrics turns events into metrics, for Prometheus and for OpenTelemetry. Names and
// attributes are those of the semantic conventions of OpenTelemetry for HTTP where these have
// any, and begin with h2trace otherwise. The Catalogue lists them all.
//
// A Recorder takes the lines of events and is what Prometheus gathers from. Servers, which is
// where a module proxy shows, are labels; modules, paths and queries never are. The number of
// series is bounded: see the limits, and h2trace_limit_exceeded_total, which says whether one was
// met.
package metrics
