// Package text formats events as lines for people: an event a line, in columns, with what matters
// of it.
//
//	0.029 go[23934] c1    1 -> HEADERS       GET https://goproxy.example/m.example/@v/list END_STREAM
//	0.031 go[23934] c1    1 <- HEADERS       200
//	0.031 go[23934] c1    1 <- DATA          54 B END_STREAM, window 4194250
//	0.031 go[23934] c1    1    exchange      200 GET https://goproxy.example/m.example/@v/list in 2.0 ms, wait 2.0 ms, 54 B
//
// The columns are: seconds since the first event of the run, process, connection, stream, direction
// ("->" is sent), and what happened. It takes events as package export writes them, and so live
// ones and recorded ones look alike.
//
// What follows the columns is made of parts (line.go), which the files by kind of event append.
// Where a line does not fit into a terminal, fit.go says which of them stay.
package text
