package har

import (
	"strconv"
	"time"

	"h2trace/export/scan"
)

// timings are the phases of an exchange, in whole microseconds. Those of its connection are 0 if
// it did not open it, or where they are not known.
type timings struct {
	dns, connect, tls, send, wait, receive time.Duration
	unknown                                []byte // names of those that have to be there, as JSON
}

// take reads the phases of an exchange.
func (t *timings) take(e *scan.Object) {
	phases := [...]struct {
		key, name string
		to        *time.Duration
	}{
		{"dns_ms", "", &t.dns},
		{"connect_ms", "", &t.connect},
		{"tls_ms", "", &t.tls},
		{"send_ms", `"send"`, &t.send},
		{"wait_ms", `"wait"`, &t.wait},
		{"receive_ms", `"receive"`, &t.receive},
	}
	for _, p := range phases {
		d, ok := scan.Millis(e.Get(p.key))
		*p.to = min(max(d, 0), longest).Truncate(time.Microsecond)
		if !ok && p.name != "" {
			if t.unknown != nil {
				t.unknown = append(t.unknown, ',')
			}
			t.unknown = append(t.unknown, p.name...)
		}
	}
}

// longest is the longest phase: 292 years are the most that a time.Duration holds.
const longest = 10 * 365 * 24 * time.Hour

// before returns the time of the phases before the request.
func (t *timings) before() time.Duration { return t.dns + t.connect + t.tls }

func (t *timings) total() time.Duration { return t.before() + t.send + t.wait + t.receive }

// within shortens the phases of request and response to a time in which both were over. A response
// may begin before its request ends; in an archive one phase follows another.
func (t *timings) within(all time.Duration) {
	for _, d := range []*time.Duration{&t.send, &t.wait, &t.receive} {
		*d = min(*d, max(all, 0)).Truncate(time.Microsecond)
		all -= *d
	}
}

// append appends the phases. The time of connect includes that of ssl, and -1 is for a phase that
// was not.
func (t *timings) append(b []byte) []byte {
	b = append(b, `{"blocked":-1,"dns":`...)
	b = appendPhase(b, t.dns)
	b = append(b, `,"connect":`...)
	b = appendPhase(b, t.connect+t.tls)
	b = append(b, `,"ssl":`...)
	b = appendPhase(b, t.tls)
	b = append(b, `,"send":`...)
	b = appendMillis(b, t.send)
	b = append(b, `,"wait":`...)
	b = appendMillis(b, t.wait)
	b = append(b, `,"receive":`...)
	b = appendMillis(b, t.receive)
	if t.unknown != nil {
		b = append(b, `,"_unknown":[`...)
		b = append(append(b, t.unknown...), ']')
	}
	return append(b, '}')
}

func appendPhase(b []byte, d time.Duration) []byte {
	if d == 0 {
		return append(b, "-1"...)
	}
	return appendMillis(b, d)
}

// appendMillis appends a time in milliseconds.
func appendMillis(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, float64(d.Microseconds())/1e3, 'f', -1, 64)
}
