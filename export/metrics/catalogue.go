package metrics

// The classic buckets. Those of requests are the ones that the conventions advise, and two for
// requests that end by a timeout.
var (
	requestBounds = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60}
	phaseBounds   = []float64{0.001, 0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 30, 60}
	windowBounds  = []float64{16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20}
)

var server = []Attribute{serverAddress, serverPort}

// by returns the attributes of a server and others.
func by(others ...Attribute) []Attribute { return append(server[:2:2], others...) }

// The metrics of requests, by the server that is asked.
var (
	clientDuration = Metric{
		Name: "http.client.request.duration", Unit: "s", kind: histogramKind, Recorded: true,
		Help:       "Duration of HTTP requests, with the connection if they opened one.",
		Attributes: by(method, status, errorType), Bounds: requestBounds,
	}
	serverDuration = Metric{
		Name: "http.server.request.duration", Unit: "s", kind: histogramKind, Recorded: true,
		Help:       "Duration of HTTP requests that observed processes served.",
		Attributes: []Attribute{method, scheme, status, errorType}, Bounds: requestBounds,
	}
	requests = Metric{
		Name: "h2trace.requests", Unit: "{request}", kind: counterKind, Recorded: true,
		Help:       "Requests that ended, by whether observed processes sent or served them.",
		Attributes: []Attribute{role},
	}
	requestPhases = Metric{
		Name: "h2trace.request.phase", Unit: "s", kind: histogramKind, Recorded: true,
		Help:       "Duration of the phases of requests; those of the connection only for its first request.",
		Attributes: by(phase), Bounds: phaseBounds,
	}
	requestErrors = Metric{
		Name: "h2trace.request.errors", Unit: "{request}", kind: counterKind, Recorded: true,
		Help:       "Requests without a complete, successful response, by class of error.",
		Attributes: by(errorType),
	}
	requestBytes = Metric{
		Name: "h2trace.request.body", Unit: "By", kind: counterKind, Recorded: true,
		Help: "Bytes of request bodies.", Attributes: server,
	}
	responseBytes = Metric{
		Name: "h2trace.response.body", Unit: "By", kind: counterKind, Recorded: true,
		Help: "Bytes of response bodies.", Attributes: server,
	}
	requestStalls = Metric{
		Name: "h2trace.request.stall", Unit: "s", kind: counterKind, Recorded: true,
		Help:       "Time of requests in which flow control stalled them, by the window that was used up.",
		Attributes: by(side),
	}
)

// The metrics of connections.
var (
	openConns = Metric{
		Name: "h2trace.connections.open", Unit: "{connection}", kind: gaugeKind, Recorded: true,
		Help:       "Connections that are open, by what the observed process is.",
		Attributes: []Attribute{role},
	}
	conns = Metric{
		Name: "h2trace.connections", Unit: "{connection}", kind: counterKind, Recorded: true,
		Help: "Connections that carried requests.", Attributes: server,
	}
	failedConns = Metric{
		Name: "h2trace.connection.failures", Unit: "{connection}", kind: counterKind, Recorded: true,
		Help:       "Connections that were not made.",
		Attributes: []Attribute{serverAddress, errorType},
	}
	retransmits = Metric{
		Name: "h2trace.tcp.retransmits", Unit: "{segment}", kind: counterKind, Recorded: true,
		Help: "TCP segments that were sent again, of connections that are closed.", Attributes: server,
	}
	outOfOrder = Metric{
		Name: "h2trace.tcp.out_of_order", Unit: "{segment}", kind: counterKind, Recorded: true,
		Help: "TCP segments that came after a missing one, of connections that are closed.", Attributes: server,
	}
	segments = Metric{
		Name: "h2trace.tcp.segments", Unit: "{segment}", kind: counterKind, Recorded: true,
		Help:       "TCP segments of connections that are closed.",
		Attributes: by(direction),
	}
	stalls = Metric{
		Name: "h2trace.stalls", Unit: "{stall}", kind: counterKind, Recorded: true,
		Help:       "Times in which flow control stalled a stream or a connection.",
		Attributes: []Attribute{side},
	}
	stallTime = Metric{
		Name: "h2trace.stall", Unit: "s", kind: counterKind, Recorded: true,
		Help:       "Sum of these times.",
		Attributes: []Attribute{side},
	}
	stallWindow = Metric{
		Name: "h2trace.stall.window", Unit: "By", kind: histogramKind, Recorded: true,
		Help:       "Largest window credit that the stalled sender had.",
		Attributes: []Attribute{side}, Bounds: windowBounds,
	}
)

// The metrics of processes, and of h2trace itself.
var (
	processes = Metric{
		Name: "h2trace.process.events", Unit: "{event}", kind: counterKind, Recorded: true,
		Help:       "Events of processes, such as skipped for one in which nothing can be seen.",
		Attributes: []Attribute{action},
	}
	complaints = Metric{
		Name: "h2trace.command.errors", Unit: "{error}", kind: counterKind, Recorded: true,
		Help:       "Complaints of go commands, by class of error.",
		Attributes: []Attribute{errorType},
	}
	lockTime = Metric{
		Name: "h2trace.lock.wait", Unit: "s", kind: counterKind, Recorded: true,
		Help: "Time that processes waited for locks, such as that of the module cache.",
	}
	mismatches = Metric{
		Name: "h2trace.verify.mismatches", Unit: "{list}", kind: counterKind, Recorded: true,
		Help: "Header lists that differ from those of the process, with --verify.",
	}
	lost = Metric{
		Name: "h2trace.records.lost", Unit: "{record}", kind: counterKind, Recorded: true,
		Help: "Records that were seen and are missing from all other metrics.",
	}
	limits = Metric{
		Name: "h2trace.limit.exceeded", Unit: "{event}", kind: counterKind, Recorded: true,
		Help:       "Events that count for the server _other, or for no connection, as there were too many.",
		Attributes: []Attribute{limit},
	}
	agentCPU = Metric{
		Name: "h2trace.agent.cpu", Unit: "s", kind: counterKind, Recorded: true,
		Help: "CPU time of h2trace itself.",
	}
	agentMemory = Metric{
		Name: "h2trace.agent.max_rss", Unit: "By", kind: gaugeKind, Recorded: true,
		Help: "Largest resident memory of h2trace itself.",
	}
	info = Metric{
		Name: "h2trace.info", Unit: "{agent}", kind: gaugeKind, Recorded: true,
		Help:       "1 for the version of h2trace.",
		Attributes: []Attribute{version},
	}
)

// The metrics of a report, which need all events of a run.
var (
	Runs    = Metric{Name: "h2trace.runs", Unit: "{run}", kind: counterKind, Help: "Runs in the recordings."}
	Wall    = Metric{Name: "h2trace.wall", Unit: "s", kind: counterKind, Help: "Wall time by phase of the critical path.", Attributes: []Attribute{phase}}
	Verdict = Metric{Name: "h2trace.verdict", Unit: "{verdict}", kind: gaugeKind, Help: "1 for the cause that the report names.", Attributes: []Attribute{cause}}
)

// Catalogue is all metrics.
var Catalogue = []*Metric{
	&clientDuration, &serverDuration, &requests, &requestPhases, &requestErrors, &requestBytes, &responseBytes, &requestStalls,
	&openConns, &conns, &failedConns, &retransmits, &outOfOrder, &segments, &stalls, &stallTime, &stallWindow,
	&processes, &complaints, &lockTime, &mismatches, &lost, &limits, &agentCPU, &agentMemory, &info,
	&Runs, &Wall, &Verdict,
}
