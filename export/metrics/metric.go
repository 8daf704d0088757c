package metrics

import "strings"

// kind is what the values of a metric are.
type kind uint8

const (
	counterKind kind = iota
	gaugeKind
	histogramKind
)

// Attribute is what tells apart the series of a metric.
type Attribute struct {
	Key     string // as OpenTelemetry spells it, such as server.address
	Integer bool   // the values are numbers
}

// Label returns the name of the attribute in Prometheus.
func (a Attribute) Label() string { return strings.ReplaceAll(a.Key, ".", "_") }

// The attributes of metrics.
var (
	serverAddress = Attribute{Key: "server.address"}
	serverPort    = Attribute{Key: "server.port", Integer: true}
	method        = Attribute{Key: "http.request.method"}
	status        = Attribute{Key: "http.response.status_code", Integer: true}
	errorType     = Attribute{Key: "error.type"}
	scheme        = Attribute{Key: "url.scheme"}
	role          = Attribute{Key: "role"}
	phase         = Attribute{Key: "phase"}
	side          = Attribute{Key: "side"}
	direction     = Attribute{Key: "direction"}
	action        = Attribute{Key: "action"}
	limit         = Attribute{Key: "limit"}
	cause         = Attribute{Key: "cause"}
	version       = Attribute{Key: "version"}
)

// Metric describes a metric. A series lacks the attributes that are not known.
type Metric struct {
	Name       string // in OpenTelemetry, such as http.client.request.duration
	Unit       string // in UCUM: s, By, or what is counted, as {request}
	Help       string
	kind       kind
	Attributes []Attribute
	Bounds     []float64 // of the classic buckets of a histogram
	Recorded   bool      // a Recorder has it; the others are those of a report
}

// Exposed returns the name of the metric in Prometheus: with its unit, and _total if it is a
// counter.
func (m *Metric) Exposed() string {
	name := strings.ReplaceAll(m.Name, ".", "_")
	switch m.Unit {
	case "s":
		name += "_seconds"
	case "By":
		name += "_bytes"
	}
	if m.kind == counterKind {
		name += "_total"
	}
	return name
}

// labels returns the names of the labels.
func (m *Metric) labels() []string {
	list := make([]string, len(m.Attributes))
	for i, a := range m.Attributes {
		list[i] = a.Label()
	}
	return list
}
