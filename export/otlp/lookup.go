package otlp

import (
	"time"

	"h2trace/export/scan"
)

// lookupKey is whose lookup of which name it is.
type lookupKey struct {
	pid  int
	name string
}

// lookups are the latest times at which a process got answers for a name.
type lookups struct {
	ends [8]time.Time
	n    int
}

// lookup keeps when a query was answered.
func (x *Exporter) lookup() {
	e := &x.event
	if _, ok := scan.Millis(e.Get("dns_ms")); !ok {
		return // it was not
	}
	key := lookupKey{integer(e.Get("pid")), e.Text("name")}
	l, _ := x.names.Get(key)
	l.ends[l.n%len(l.ends)] = x.at
	l.n++
	x.names.Add(key, l)
}

// resolved returns when the lookup of a connection was, which took some time and was over at last. Its
// last query ended then or before: dns_ms does not say when.
func (x *Exporter) resolved(last time.Time, took time.Duration) phase {
	key := lookupKey{integer(x.event.Get("pid")), x.event.Text("name")}
	end := last
	if l, ok := x.names.Get(key); ok {
		var latest time.Time
		for _, at := range l.ends[:min(l.n, len(l.ends))] {
			if at.After(latest) && !at.After(last) {
				latest = at
			}
		}
		if !latest.IsZero() {
			end = latest
		}
	}
	return phase{end.Add(-took), end}
}
