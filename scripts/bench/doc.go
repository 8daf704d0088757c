// Bench measures what observing costs: a client and a server over HTTP/2 on
// loopback, with TLS and without, with and without h2trace, in turn.
//
//	scripts/bench/run [flags]
//
// Client and server share one core, so that the cost of the probes appears as lost
// throughput. h2trace has another core. In each round every variant runs once, in an order
// that rotates from round to round. It is compared with the others of the same round.
// Bench prints the median of the rounds. Variants:
//
//	unobserved  the client alone
//	empty       with H2TRACE_TEST_PLAN=empty: probes that do nothing, at the
//	            same places: the minimum
//	frames      with H2TRACE_TEST_PLAN=frames: only frames, from calls
//	calls       h2trace --source calls: bytes from the calls of the process
//	wire        h2trace --source wire: bytes from packets and session secrets
//	pcap        h2trace --source wire --pcap /dev/null --show-secrets
//	metrics     h2trace --source wire --metrics :0
//	otlp        h2trace --source wire --otlp URL, with a collector on the core of
//	            h2trace that takes everything
//	entry-ret   h2trace --source calls --plan entry-ret: the fallback of function
//	            entry and every return
//	verify      h2trace --source calls --verify
//
// Events go through a pipe to a program that reads them, on the core of h2trace, as a log
// pipeline does. A file would cost what new memory for it costs: on some virtual machines
// as much as everything else.
//
// CPU time is the time that h2trace itself used, from its summary event, less its start-up.
// The start-up is the CPU time of an equally long run of a client that makes five requests
// per second. The cost of the probes for the client is not in it: it is in the throughput.
//
// Without TLS, only calls and wire are compared with unobserved.
//
// Other parts run calls and wire once each, with the default buffer. They must lose nothing:
//
//	rate   1,500 requests a second, where each wake-up counts, and -rate, not pinned
//	full   the highest load for -full-duration
//	conns  the highest load over 1,000 connections, for the memory
//
// Start-up is measured on a large binary, cmd/go with its symbols, from the start of
// h2trace. One measurement ends when the kernel executes the binary, which is when its
// probes are attached. Another ends at the first byte that the binary prints. It is compared
// with a run of the binary alone. A command that does nothing, true, shows the start and the
// end of h2trace: the time, and the CPU time of all its processes.
//
// The table at the end is Markdown. It has the medians and, in parentheses, the lowest and
// the highest round. "–" is what was not measured, or is not known.
//
// The machine must be otherwise idle.
//
// Speed never fails a run. Lost records are reported. Faults are records that are neither
// delivered nor lost, a missing summary, and fewer frames than the client must have
// exchanged. Bench prints faults and exits with 1.
package main
