package top

import (
	"cmp"
	"strconv"
	"strings"
)

// View is what the rows of a table are.
type View int

// The views.
const (
	Processes View = iota
	Connections
	Requests
)

// Views are their names.
var Views = [...]string{"processes", "connections", "requests"}

// Column is a column of a table.
type Column struct {
	Name string // in the head
	Help string
	// width is 0 for the last column, which has what is left. Where it does not fit, columns
	// are left out by their rank, the highest first.
	width, rank int
	left        bool // text, not a number
	elided      bool // text whose end matters as much as its begin
	text        func(*Row) string
	compare     func(a, b *Row) int // the first sorts first
}

// Columns returns the columns of a view.
func (v View) Columns() []Column {
	switch v {
	case Connections:
		return connColumns
	case Requests:
		return requestColumns
	}
	return processColumns
}

// more sorts the larger number first, less the smaller one.
func more[T cmp.Ordered](of func(*Row) T) func(a, b *Row) int {
	return func(a, b *Row) int { return cmp.Compare(of(b), of(a)) }
}

func less[T cmp.Ordered](of func(*Row) T) func(a, b *Row) int {
	return func(a, b *Row) int { return cmp.Compare(of(a), of(b)) }
}

// counted is a column of a count.
func counted(name, help string, width, rank int, of func(*Row) int64) Column {
	return Column{
		Name: name, Help: help, width: width, rank: rank, compare: more(of),
		text: func(r *Row) string { return amount(float64(of(r))) },
	}
}

// rated is a column of a rate.
func rated(name, help string, rank int, of func(*Row) float64) Column {
	return Column{
		Name: name, Help: help, width: 6, rank: rank, compare: more(of),
		text: func(r *Row) string { return rate(of(r)) },
	}
}

// worded is a column of text.
func worded(name, help string, width, rank int, of func(*Row) string) Column {
	return Column{Name: name, Help: help, width: width, rank: rank, left: true, compare: less(of), text: of}
}

// ends is the last column, of text whose end matters.
func ends(name, help string, of func(*Row) string) Column {
	c := worded(name, help, 0, 0, of)
	c.elided = true
	return c
}

// window is a column of credit; what is unknown sorts last, and the least first.
func window(name, help string, rank int, of func(*Row) Credit) Column {
	return Column{
		Name: name, Help: help, width: 5, rank: rank,
		text: func(r *Row) string { return credits(of(r)) },
		compare: func(a, b *Row) int {
			x, y := of(a), of(b)
			switch {
			case x.Known != y.Known && x.Known:
				return -1
			case x.Known != y.Known:
				return 1
			}
			return cmp.Compare(x.Bytes, y.Bytes)
		},
	}
}

// What the views share.
var (
	inFlight  = counted("OPEN", "requests in flight", 5, 0, func(r *Row) int64 { return r.InFlight })
	reqRate   = rated("REQ/s", "requests that ended, per second", 0, func(r *Row) float64 { return r.Rates.Requests })
	recvRate  = rated("RECV/s", "bytes received per second", 0, func(r *Row) float64 { return r.Rates.Received })
	sendRate  = rated("SEND/s", "bytes sent per second", 0, func(r *Row) float64 { return r.Rates.Sent })
	done      = counted("DONE", "requests that ended", 5, 1, func(r *Row) int64 { return r.Requests })
	failed    = counted("FAIL", "requests that failed", 4, 1, func(r *Row) int64 { return r.Failed })
	received  = counted("RECV", "bytes received", 5, 3, func(r *Row) int64 { return r.Bytes.Received })
	sent      = counted("SENT", "bytes sent", 5, 3, func(r *Row) int64 { return r.Bytes.Sent })
	lost      = counted("LOST", "records that were seen and are not counted", 4, 2, func(r *Row) int64 { return r.Lost })
	sendLeft  = window("S-WIN", "credit left to send, in bytes", 1, func(r *Row) Credit { return r.Window.Send })
	recvLeft  = window("R-WIN", "credit left for the peer to send", 1, func(r *Row) Credit { return r.Window.Receive })
	connID    = worded("CONN", "connection, as in the events", 5, 0, func(r *Row) string { return r.Conn })
	processID = Column{
		Name: "PID", Help: "process", width: 7, rank: 2, compare: less(func(r *Row) int { return r.PID }),
		text: func(r *Row) string { return strconv.Itoa(r.PID) },
	}
	stalled = Column{
		Name: "STALL", Help: "time without flow-control credit, of stalls that are over", width: 6, rank: 1,
		compare: more(func(r *Row) int64 { return int64(r.Stalled) }),
		text:    func(r *Row) string { return span(r.Stalled) },
	}
	meanTime = Column{
		Name: "TIME", Help: "mean time of the requests that ended", width: 6, rank: 2,
		compare: more(func(r *Row) int64 { return int64(r.Rates.Took) }),
		text:    func(r *Row) string { return mean(r.Rates.Took) },
	}
)

var processColumns = []Column{
	ranked(processID, 0),
	counted("CONN", "open connections", 4, 1, func(r *Row) int64 { return r.Conns }),
	inFlight, reqRate, meanTime, recvRate, sendRate, done, failed, received, sent, stalled, lost,
	worded("COMMAND", "name of the process in the kernel, and what there is to say of it", 0, 0, func(r *Row) string { return note(r.Command, r.Note) }),
}

var connColumns = []Column{
	connID, processID,
	worded("COMMAND", "name of the process in the kernel", 10, 1, func(r *Row) string { return r.Command }),
	worded("PROTO", "protocol", 8, 3, func(r *Row) string { return r.Proto }),
	inFlight, reqRate, meanTime, recvRate, sendRate, ranked(done, 3), ranked(failed, 3), received, sent, sendLeft, recvLeft, stalled, ranked(lost, 3),
	ends("PEER", "name, or address, of the other side", func(r *Row) string { return note(r.Peer, r.Note) }),
}

var requestColumns = []Column{
	connID,
	{
		Name: "STREAM", Help: "stream; 0 of HTTP/1.x", width: 6, rank: 1, compare: less(func(r *Row) int64 { return r.Stream }),
		text: func(r *Row) string { return strconv.FormatInt(r.Stream, 10) },
	},
	ranked(processID, 3),
	worded("COMMAND", "name of the process in the kernel", 10, 3, func(r *Row) string { return r.Command }),
	{
		Name: "TIME", Help: "since the request began, or until it ended", width: 6, compare: more(func(r *Row) int64 { return int64(r.Age) }),
		text: func(r *Row) string { return span(r.Age) },
	},
	worded("STATE", "open, status, or class of error", 8, 0, func(r *Row) string { return r.State }),
	ranked(received, 1), ranked(sent, 2), sendLeft, recvLeft,
	ends("REQUEST", "method and URL", func(r *Row) string { return r.Text }),
}

func ranked(c Column, rank int) Column {
	c.rank = rank
	return c
}

// note joins a name and what there is to say.
func note(name, say string) string {
	return strings.TrimSpace(strings.Join([]string{name, say}, "  "))
}
