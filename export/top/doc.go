// Package top keeps the state of an observation: which processes, connections and requests
// there are, how much they move, and what is wrong with them. It takes events as lines (see
// package export), and gives rows, of which a Table makes columns of text.
//
// A Model is bounded: of 10^6 requests in flight, or of processes that ended long ago, it keeps
// a part, and says how many others there are. Counts are of all.
package top
