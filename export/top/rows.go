package top

import (
	"strconv"
	"strings"
	"time"
)

// Row is a process, a connection or a request, at one time.
type Row struct {
	Key     string // unique among the rows of its kind
	Process string // Key of its process
	Conn    string // id of its connection
	PID     int
	Command string // name of the process in the kernel
	Peer    string // of a connection: name, or address, of the other side
	Proto   string
	Note    string // why nothing is seen of it, or how it ended
	State   string // of a request: open, its status, or a class of error
	Text    string // of a request: method and URL
	Stream  int64

	Counters
	Rates    Rates
	InFlight int64
	Conns    int64 // open connections of a process
	Window   Window

	Age   time.Duration // of a request: until now, or its end
	Ended time.Time     // zero while it is there
	Bad   bool          // it failed
	Blind bool          // of a process: nothing can be seen of it
}

// Has reports whether a text is in what a row shows, whatever its case. The text is in lower
// case.
func (r *Row) Has(text string) bool {
	for _, s := range [...]string{r.Command, r.Conn, r.Peer, r.Proto, r.Note, r.State, r.Text, strconv.Itoa(r.PID)} {
		if strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	return false
}

// Window is the flow-control credit that is left, of what the process may send and its peer
// may.
type Window struct{ Send, Receive Credit }

// Credit is what is left of a window, if that is known.
type Credit struct {
	Bytes int64
	Known bool
}

// UsedUp reports whether nothing is left.
func (c Credit) UsedUp() bool { return c.Known && c.Bytes <= 0 }

// State is what there is at one time: the rows of one view, in no order.
type State struct {
	View  View
	Rows  []Row
	Total Totals
}

// Totals are of all that was observed.
type Totals struct {
	Counters
	Rates       Rates
	InFlight    int64
	Running     int64 // processes
	Processes   int64 // ever
	Open        int64 // connections
	Conns       int64 // ever
	Unconnected int64 // connections that were not established
	Unlisted    int64 // processes, connections and requests that got no row, ever
}
