// Package report sums up recorded events: where the wall time of the runs went, why it was
// long, and how each proxy performed.
//
// It reads the JSON Lines of package export in one pass, with keys in any order. Its memory
// is bounded: it keeps a bounded number of connections, proxies and modules, and times in
// sketches, whose quantiles are within 1 % of the true ones. It counts and skips lines that
// are no events, or are cut off.
//
// It also reads what a go command prints with -x (xlog.go), and what it writes with
// -debug-trace (gotrace.go).
//
// Data goes one way: a parser makes an event of a line, a run takes the events
// (take.go) and adds to the sums (sums.go), and a judge reads these (verdict.go).
package report
