// Bench measures what observing costs: a client and a server over TLS and
// HTTP/2 on loopback, with and without h2trace, in turn.
//
//	scripts/bench/run [flags]
//
// Client and server share one core, so that whatever the probes cost the
// client shows as lost throughput; h2trace has another core. In each round
// every variant runs once, in an order that turns from round to round, and is
// compared with the others of the same round; what is printed is the median
// of the rounds. Variants:
//
//	unobserved  the client alone
//	empty       with H2TRACE_TEST_PLAN=empty: probes that do nothing, at the
//	            same places, which is the floor
//	frames      with H2TRACE_TEST_PLAN=frames: frames and nothing else
//	auto        h2trace as it is
//	entry-ret   h2trace --plan entry-ret: the fallback of function entry and
//	            every return
//	verify      h2trace --verify
//
// CPU time is what h2trace used itself, from its summary event, less what it
// used for as long a run of a client that makes five requests a second: that
// is its start-up. What the probes cost the client is not in it; it shows in
// the throughput.
//
// The fixed rate is made without pinning, with the default buffer, and is to
// lose nothing. Start-up is measured on a large binary, cmd/go with its
// symbols: from the start of h2trace until the kernel executes the binary,
// which h2trace lets happen when the probes are in place, and until the binary
// prints its first byte, against how soon it does so alone.
//
// The machine is to be quiet: run nothing beside it.
//
// Speed never fails a run. Lost records are reported. Records that are neither
// delivered nor lost, a missing summary, and fewer frames than the client must
// have exchanged are faults: they are printed and the exit status is 1.
package main
