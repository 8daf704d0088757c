package proxies

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"h2trace/export/redact"
	"h2trace/export/scan"
)

// event holds the keys of an event that a comparison needs besides those of a report.
type event struct {
	At       time.Time `json:"ts"`
	Kind     string    `json:"event"`
	Action   string    `json:"action"`
	Conn     string    `json:"conn"`
	Stream   uint32    `json:"stream"`
	Dir      string    `json:"dir"`
	Protocol string    `json:"protocol"`
	Headers  []field   `json:"headers"`

	TLS struct {
		Resumed *bool `json:"resumed"`
	} `json:"tls"`
	Sent        *int64 `json:"segments_sent"`
	Received    *int64 `json:"segments_received"`
	Retransmits int64  `json:"retransmits"`
	OutOfOrder  int64  `json:"out_of_order"`
	Holes       *int64 `json:"holes"`

	URL     string   `json:"url"`
	Status  int      `json:"status"`
	Cache   string   `json:"cache"`
	Reused  bool     `json:"reused"`
	Bytes   int64    `json:"response_bytes"`
	DNS     *float64 `json:"dns_ms"`
	Connect *float64 `json:"connect_ms"`
	TLSTime *float64 `json:"tls_ms"`
	Wait    *float64 `json:"wait_ms"`
	Receive *float64 `json:"receive_ms"`
	Total   *float64 `json:"total_ms"`
	Module  *struct {
		Kind  string `json:"kind"`
		Proxy string `json:"proxy"`
	} `json:"module"`
	Error *struct {
		Class string `json:"class"`
	} `json:"error"`

	Agent struct {
		CPU float64 `json:"cpu_ms"`
	} `json:"agent"`
}

// field is a header field.
type field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// sumdb reports whether an exchange asks a checksum database, and not through the proxy.
func (e *event) sumdb() bool {
	return e.Module != nil && e.Module.Proxy == "" && strings.HasPrefix(e.Module.Kind, "sumdb-")
}

// long is the time after which a request is a failure, whatever its result.
const long = 30_000 // ms

// bulk is the least size of a response whose speed is measured, as in a report.
const bulk = 32 << 10

// recording reads the events of one download.
type recording struct {
	*measures
	timedOut    bool
	unanswered  int64     // requests when the download was ended
	first, last time.Time // of its processes
	conns       map[string]*conn
	html        map[stream]bool // responses that are HTML
}

// conn is a connection of a recording.
type conn struct {
	resumed *bool
	counted bool // it carried a counted exchange
}

type stream struct {
	conn string
	id   uint32
}

// read adds the recording of a download to the measures.
func (m *measures) read(d download) error {
	f, err := os.Open(d.events)
	if err != nil {
		return err
	}
	defer f.Close()
	r := &recording{
		measures: m, timedOut: d.timedOut,
		conns: make(map[string]*conn), html: make(map[stream]bool),
	}
	if _, err := scan.Lines(f, func(line []byte) error {
		var e event
		if json.Unmarshal(line, &e) == nil {
			r.take(&e)
		} // else a report counts it
		return nil
	}); err != nil {
		return err
	}
	m.downloads++
	if d.timedOut {
		m.ended++
		if r.unanswered == 0 {
			r.unreached(d)
		}
	}
	if d.failed {
		m.failed++
	} else if wall := r.last.Sub(r.first); wall > 0 {
		m.wall = append(m.wall, float64(wall)/1e6)
	}
	return nil
}

func (r *recording) take(e *event) {
	switch {
	case e.Kind == "process" && (e.Action == "exec" || e.Action == "exit"):
		if r.first.IsZero() {
			r.first = e.At
		}
		r.last = e.At
	case e.Kind == "conn" && e.Action == "open":
		r.conns[e.Conn] = &conn{resumed: e.TLS.Resumed}
	case e.Kind == "conn" && e.Action == "close":
		r.closed(e)
	case e.Kind == "frame" && e.Dir == "recv" && len(e.Headers) > 0:
		if at := (stream{e.Conn, e.Stream}); isHTML(e.Headers) {
			r.html[at] = true
		} else {
			delete(r.html, at)
		}
	case e.Kind == "exchange" && e.sumdb():
		if u, err := url.Parse(redact.Parseable(e.URL)); err == nil {
			r.others[u.Scheme+"://"+u.Host] = true
		}
	case e.Kind == "exchange":
		r.exchange(e)
	case e.Kind == "summary":
		r.cpu += e.Agent.CPU
	}
}

func (r *recording) exchange(e *event) {
	r.requests++
	if e.Protocol != "" {
		r.protocols[e.Protocol]++
	}
	if e.Reused {
		r.reused++
	}
	r.opened(e)
	r.bytes += e.Bytes
	if e.Bytes >= bulk && e.Receive != nil {
		r.bulk += e.Bytes
		r.receive += *e.Receive
	}
	appendKnown(&r.times[timeWait], e.Wait)
	appendKnown(&r.times[timeTotal], e.Total)
	class := ""
	if e.Error != nil {
		class = e.Error.Class
	}
	switch {
	case e.Total != nil && *e.Total > long:
		r.moved[move{class, overLong}]++
	case r.timedOut && class == "aborted":
		r.moved[move{class, "timeout"}]++
	}
	if r.timedOut && class == "aborted" {
		r.unanswered++
	}
	switch e.Cache {
	case "hit":
		r.hits++
	case "miss":
		r.misses++
	}
	if at := (stream{e.Conn, e.Stream}); r.html[at] && e.Status == http.StatusOK && e.Module != nil {
		r.pages++
	}
}

// unreached counts a download that was ended before its first request, or between two: in a
// connect or a handshake.
func (r *recording) unreached(d download) {
	class := "timeout"
	if d.took.Milliseconds() > long {
		class = overLong
	}
	r.waiting[class]++
}

// opened counts the connection of an exchange, if that is the first on it.
func (r *recording) opened(e *event) {
	c := r.conns[e.Conn]
	if c == nil {
		c = &conn{}
		r.conns[e.Conn] = c
	}
	if c.counted {
		return
	}
	c.counted = true
	r.opens++
	if c.resumed != nil {
		r.handshakes++
		if *c.resumed {
			r.resumed++
		}
	}
	if e.Reused {
		return // an exchange of another kind opened it, and its times are not here
	}
	appendKnown(&r.times[timeDNS], e.DNS)
	appendKnown(&r.times[timeConnect], e.Connect)
	if c.resumed != nil {
		appendKnown(&r.times[timeTLS], e.TLSTime)
	}
}

// closed adds the TCP segments of a counted connection.
func (r *recording) closed(e *event) {
	c := r.conns[e.Conn]
	delete(r.conns, e.Conn)
	if c == nil || !c.counted || e.Sent == nil || e.Received == nil {
		return
	}
	missing := e.OutOfOrder
	if e.Holes != nil {
		missing = min(missing, *e.Holes)
	}
	r.segments += *e.Sent + *e.Received
	r.resent += e.Retransmits + missing
}

func appendKnown(list *[]float64, ms *float64) {
	if ms != nil {
		*list = append(*list, *ms)
	}
}
