// Package report sums up recorded events: where the wall time of the runs went,
// what made it long, and how each proxy did.
//
// It reads JSON Lines as package export writes them, also when another tool put
// the keys in another order, in one pass and bounded memory: what is counted
// for each connection, proxy and module is kept for so many of them, and times
// are kept in sketches, whose quantiles are within 1 % of the true ones. Lines
// that are no events, or are cut short, are counted and skipped.
//
// Data goes one way: a parser makes an event of a line, a run takes the events
// (take.go) and adds to the sums (sums.go), and a judge reads these (verdict.go).
package report
