package page

// Data is what a page shows. Times are in microseconds since the begin of their run, and a
// negative number of any other kind is unknown.
//
// The lists that may be long are columns: an exchange is what the same place of each holds.
type Data struct {
	// Headline and Evidence are the verdict, as the report prints it, and More says where
	// to read on.
	Headline string   `json:"headline"`
	Evidence []string `json:"evidence"`
	More     string   `json:"more"`
	Unseen   string   `json:"unseen,omitempty"`
	// Clocked says what clock the parts are of.
	Clocked string    `json:"clocked"`
	Parts   []string  `json:"parts"` // names of the parts of a path, in the order in which they occur
	Spent   []int64   `json:"spent"` // by part, of all runs
	Peers   []Peer    `json:"peers"`
	Tables  []Table   `json:"tables"`
	Runs    []*Run    `json:"runs"`
	Names   []string  `json:"names"`  // to which columns refer by place
	Bounds  []float64 `json:"bounds"` // of the counts of a Quantile, in milliseconds
	LeftOut []string  `json:"left_out"`
}

// Table is a table of the report. The first row is the head.
type Table struct {
	Title string     `json:"title"`
	Rows  [][]string `json:"rows"`
}

// Peer is the latency of a proxy, or of another server, in milliseconds.
type Peer struct {
	Name     string    `json:"name"`
	Requests int64     `json:"requests"`
	Failures int64     `json:"failures"`
	Wait     *Quantile `json:"wait"`
	Total    *Quantile `json:"total"`
}

// Quantile has the quantiles of times, and how many times are between the bounds of the page.
type Quantile struct {
	P50    float64  `json:"p50"`
	P95    float64  `json:"p95"`
	P99    float64  `json:"p99"`
	Counts []uint64 `json:"counts"`
}

// Run is a run, or a log of "go -x", which has no clock.
type Run struct {
	Name      string    `json:"name"`
	Wall      int64     `json:"wall"`
	Clock     bool      `json:"clock"` // whether anything has a time
	Spent     []int64   `json:"spent"` // by part, together Wall
	Processes []Process `json:"processes"`
	Conns     []Conn    `json:"conns"`
	Exchanges Exchanges `json:"exchanges"`
	Path      Path      `json:"path"`
	Stalls    []Stall   `json:"stalls"`
}

// Process is an observed process. End is negative if it is not known.
type Process struct {
	PID   int64  `json:"pid"`
	PPID  int64  `json:"ppid"`
	Name  string `json:"name"`
	Exe   string `json:"exe,omitempty"`
	Begin int64  `json:"begin"`
	End   int64  `json:"end"`
	Exit  string `json:"exit,omitempty"`
	Note  string `json:"note,omitempty"` // why nothing of it is seen
}

// Conn is a connection. Begin is when the first of DNS, Connect and TLS began.
type Conn struct {
	ID      string      `json:"id"`
	Process int         `json:"process"` // its place
	Peer    string      `json:"peer"`
	Begin   int64       `json:"begin"`
	End     int64       `json:"end"`
	Phases  [3]int64    `json:"phases"` // dns, connect, tls
	Server  bool        `json:"server,omitempty"`
	Failed  string      `json:"failed,omitempty"`
	Facts   [][2]string `json:"facts,omitempty"`
	Curves  []*Curve    `json:"curves,omitempty"`
}

// Exchanges are requests and their responses, in the order in which they began.
type Exchanges struct {
	Begin   []int64  `json:"begin"`
	Total   []int64  `json:"total"`
	Phases  []int64  `json:"phases"` // six of each: dns, connect, tls, send, wait, receive
	Stalled []int64  `json:"stalled"`
	Process []int    `json:"process"`
	Conn    []int    `json:"conn"`
	Stream  []int64  `json:"stream"`
	Method  []int    `json:"method"` // places in Names, and so are Origin, Kind and Class
	Origin  []int    `json:"origin"`
	Kind    []int    `json:"kind"`
	Class   []int    `json:"class"`
	Path    []string `json:"path"`
	Status  []int64  `json:"status"`
	Bytes   []int64  `json:"bytes"`
	// Facts are what few have, by place.
	Facts map[int][][2]string `json:"facts"`
}

// Path is the critical path: pieces that follow each other.
type Path struct {
	Begin  []int64 `json:"begin"`
	Length []int64 `json:"length"`
	Part   []int   `json:"part"`
	Of     []int   `json:"of"` // OfNothing, …
	At     []int   `json:"at"` // the place among these
}

// What a piece of the critical path is of.
const (
	OfNothing = iota
	OfExchange
	OfConn
	OfProcess
)

// Stall is a time in which flow control stalled a stream, or all of a connection.
type Stall struct {
	Conn   int   `json:"conn"`
	Stream int64 `json:"stream"`
	Recv   bool  `json:"recv,omitempty"` // the process granted too little
	Begin  int64 `json:"begin"`
	Length int64 `json:"length"`
}

// Curve is the credit of a window over time. Thinned says that some points are left out; the
// least of each period remain.
type Curve struct {
	Stream  int64   `json:"stream"` // 0 is the connection
	Recv    bool    `json:"recv,omitempty"`
	Thinned bool    `json:"thinned,omitempty"`
	At      []int64 `json:"at"`
	Bytes   []int64 `json:"bytes"`
}
