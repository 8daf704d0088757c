// Package text formats events as lines for people: an event a line, in columns, with the one
// fact of it that matters.
//
//	0.029 go[23934]  c1    1 -> HEADERS       GET https://goproxy.example/m.example/@v/list END_STREAM
//	0.031 go[23934]  c1    1 <- HEADERS       200
//	0.031 go[23934]  c1    1 <- DATA          54 B END_STREAM, window left 4194250 B
//	0.031 go[23934]  c1    1    exchange      200 GET https://goproxy.example/m.example/@v/list 54 B in 2.0 ms, wait 2.0 ms
//
// The columns are: seconds since the first event, process, connection, stream, direction ("->"
// is sent), what happened, and the fact. It takes events as package export writes them, and so
// live ones and recorded ones look alike.
package text
