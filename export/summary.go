package export

import (
	"time"

	"h2trace/decoder/ktime"
)

// Summary holds the totals of a run.
type Summary struct {
	Time      ktime.Time
	Duration  time.Duration
	Processes uint64
	Conns     uint64
	Frames    uint64
	Exchanges *uint64 // nil is unknown
	Records   Records
	Bytes     Bytes
	Agent     Agent
	Command   *int      // process id of COMMAND, nil if there is none
	Signal    string    // the first that h2trace got, such as "SIGINT", or ""
	Verify    *Verified // nil without --verify
	Packets   *Packets  // nil without --pcap
	OTLP      *OTLP     // nil without --otlp
	Labels    []Label   // printed in this order
}

// Packets counts those of --pcap.
type Packets struct{ Written, Lost uint64 }

// OTLP counts the spans and data points of --otlp: what a collector has acknowledged, what it has
// rejected, and what did not reach it. Unsampled spans were not to be sent.
type OTLP struct {
	Spans     Delivery
	Unsampled uint64
	Points    Delivery
	// DroppedStalls are in no span: too many waited for one.
	DroppedStalls uint64
}

// Delivery counts what was sent, and what became of all else.
type Delivery struct{ Sent, Rejected, Dropped uint64 }

// Label is what the user says about a run, such as the region that it is from.
type Label struct{ Key, Value string }

// Records counts kernel records. Seen is the sum of Delivered and Lost.
type Records struct{ Seen, Delivered, Lost uint64 }

// Bytes counts plaintext: Seen is what the targets read and wrote, Captured what h2trace
// copied of it.
type Bytes struct{ Seen, Captured uint64 }

// Verified counts field blocks and their Fields. Blocks were compared with what the
// processes themselves encoded or decoded; Mismatches of them differ. Unchecked blocks were
// not compared.
type Verified struct{ Blocks, Fields, Mismatches, Unchecked uint64 }

// Agent is what h2trace itself used. The zero Agent is not known.
type Agent struct {
	CPU         time.Duration
	MaxRSSBytes uint64
}

func (a Agent) appendTo(b []byte) []byte {
	if a == (Agent{}) {
		return append(b, `,"agent":{"cpu_ms":null,"max_rss_bytes":null}`...)
	}
	b = appendMillis(append(b, `,"agent":{"cpu_ms":`...), a.CPU)
	return append(appendIntOrNull(b, "max_rss_bytes", &a.MaxRSSBytes), '}')
}

// Summary prints the summary event, which only Nothing hides. It is the last line.
func (j *JSONL) Summary(s *Summary) {
	b, ok := j.begin(KindSummary)
	if !ok {
		return
	}
	b = j.enc.appendHead(b, s.Time, KindSummary)
	b = appendKey(b, "duration_ms")
	b = appendMillis(b, s.Duration)
	b = appendIntOrNull(b, "processes", &s.Processes)
	b = appendIntOrNull(b, "conns", &s.Conns)
	b = appendIntOrNull(b, "frames", &s.Frames)
	b = appendIntOrNull(b, "exchanges", s.Exchanges)
	b = append(b, `,"records":{"seen":`...)
	b = appendInteger(b, s.Records.Seen)
	b = appendIntOrNull(b, "delivered", &s.Records.Delivered)
	b = appendIntOrNull(b, "lost", &s.Records.Lost)
	b = append(b, `},"bytes":{"seen":`...)
	b = appendInteger(b, s.Bytes.Seen)
	b = appendIntOrNull(b, "captured", &s.Bytes.Captured)
	b = s.Agent.appendTo(append(b, '}'))
	b = appendKey(b, "command")
	if s.Command == nil {
		b = append(b, "null"...)
	} else {
		b = appendInteger(b, uint64(*s.Command))
	}
	b = appendTextOrNull(b, "signal", s.Signal)
	if v := s.Verify; v != nil {
		b = append(b, `,"verify":{"blocks":`...)
		b = appendInteger(b, v.Blocks)
		b = appendIntOrNull(b, "fields", &v.Fields)
		b = appendIntOrNull(b, "mismatches", &v.Mismatches)
		b = appendIntOrNull(b, "unchecked", &v.Unchecked)
		b = append(b, '}')
	}
	if p := s.Packets; p != nil {
		b = append(b, `,"packets":{"written":`...)
		b = appendInteger(b, p.Written)
		b = append(appendIntOrNull(b, "lost", &p.Lost), '}')
	}
	if s.OTLP != nil {
		b = s.OTLP.appendTo(b)
	}
	if len(s.Labels) > 0 {
		b = appendLabels(b, s.Labels)
	}
	j.out.end(append(b, '}'))
}

func (o *OTLP) appendTo(b []byte) []byte {
	b = append(b, `,"otlp":{"spans_sent":`...)
	b = appendInteger(b, o.Spans.Sent)
	b = appendIntOrNull(b, "spans_rejected", &o.Spans.Rejected)
	b = appendIntOrNull(b, "spans_dropped", &o.Spans.Dropped)
	b = appendIntOrNull(b, "spans_unsampled", &o.Unsampled)
	b = appendIntOrNull(b, "points_sent", &o.Points.Sent)
	b = appendIntOrNull(b, "points_rejected", &o.Points.Rejected)
	b = appendIntOrNull(b, "points_dropped", &o.Points.Dropped)
	b = appendIntOrNull(b, "stalls_dropped", &o.DroppedStalls)
	return append(b, '}')
}

func appendLabels(b []byte, labels []Label) []byte {
	b = append(b, `,"labels":{`...)
	for i, l := range labels {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = appendString(b, l.Key)
		b = append(b, ':')
		b, _ = appendString(b, l.Value)
	}
	return append(b, '}')
}
