package report

import (
	"bytes"
	"hash/maphash"
	"net/url"
	"slices"
	"time"

	"h2trace/decoder/goproxy"
	"h2trace/export/redact"
	"h2trace/export/scan"
)

// maxRecorded bounds the remembered exchanges of events.
const maxRecorded = 1 << 16

// recorded holds the exchanges of all events, to find those that a log of "go -x" has too.
//
// A log is of a recorded run if more than three of four of its requests have an exchange with
// the same URL that took as long until the response. By the log a request takes longer, if
// anything: it waits for the process, for a connection that another request opens, for
// redirects. So one request says little. But of another run with the same URLs, half of the
// requests would be faster. Of a log of a recorded run, a request is left out if an exchange
// has its URL, one for one.
type recorded struct {
	seed  maphash.Seed
	took  map[uint64][]time.Duration // by URL, until the response
	count int
	dials map[string]bool // classes and peers of failed connections
	// process says that there are events of processes, and with them complaints.
	process bool
	shown   bool // the events may have secrets, which the log does not
}

// agree reports whether a request of a log can be an exchange that took some time. The log
// counts whole milliseconds. What a busy machine adds is less than 30 ms and a tenth.
func agree(log, exchange time.Duration) bool {
	return log >= exchange-time.Millisecond && log <= exchange+30*time.Millisecond+exchange/10
}

// hash returns a hash of a URL without user and password, of which logs and events show other
// parts.
func (r *recorded) hash(url []byte) uint64 {
	if r.took == nil {
		r.seed, r.took = maphash.MakeSeed(), make(map[uint64][]time.Duration)
	}
	if i := bytes.Index(url, []byte("://")); i >= 0 {
		authority := url[i+3:]
		if slash := bytes.IndexByte(authority, '/'); slash >= 0 {
			authority = authority[:slash]
		}
		if at := bytes.LastIndexByte(authority, '@'); at >= 0 {
			url = append(slices.Clip(url[:i+3]), url[i+3+at+1:]...)
		}
	}
	return maphash.Bytes(r.seed, url)
}

// event takes an event.
func (r *recorded) event(e event) {
	switch e := e.(type) {
	case *exchangeEvent:
		r.exchange(e)
	case *failedEvent:
		put(&r.dials, e.className()+" "+e.peer(), true)
	case *execEvent, *exitEvent, *complaintEvent:
		r.process = true
	}
}

func (r *recorded) exchange(x *exchangeEvent) {
	if r.count == maxRecorded || len(x.url) < 2 || x.kind == nil && !goproxy.IsPage(scan.Text(x.url)) {
		return
	}
	r.count++
	var took time.Duration
	for _, phase := range []int{phaseDNS, phaseConnect, phaseTLS, phaseSend, phaseWait} {
		took += x.phases[phase]
	}
	url := x.url[1 : len(x.url)-1] // the go command escapes what JSON would
	if r.shown {
		url = []byte(redact.String(string(url)))
	}
	hash := r.hash(url)
	r.took[hash] = append(r.took[hash], took)
}

// has reports whether the run of a log is recorded.
func (r *recorded) has(l *xlog) bool {
	if r.count == 0 && len(r.dials) == 0 {
		return false
	}
	all, same := 0, 0
	for i := range l.requests {
		one := &l.requests[i]
		all++
		if !one.known {
			if r.failed(one) {
				same++
			}
			continue
		}
		if r.agrees(one) {
			same++
		}
	}
	for _, a := range l.unended {
		all++
		if len(r.took[r.hash([]byte(a.url))]) > 0 {
			same++
		}
	}
	return 4*same > 3*all
}

// agrees reports whether an exchange agrees with a request. After 4xx, Go 1.24 and later ask
// again, which the log does not show.
func (r *recorded) agrees(one *logged) bool {
	list := r.took[r.hash([]byte(one.url))]
	for i, took := range list {
		if agree(one.took, took) || one.status/100 == 4 && i > 0 && agree(one.took, list[i-1]+took) {
			return true
		}
	}
	return false
}

// failed reports whether a request without a response is in the events, as an exchange or
// as a connection.
func (r *recorded) failed(one *logged) bool {
	u, err := url.Parse(redact.Parseable(one.url))
	if err != nil {
		return false
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return r.dials[one.class+" "+u.Hostname()] || r.dials[one.class+" :"+port] || len(r.took[r.hash([]byte(one.url))]) > 0
}

// take reports whether an exchange has the URL of a request, and takes it away.
func (r *recorded) take(one *logged) bool {
	hash := r.hash([]byte(one.url))
	if list := r.took[hash]; len(list) > 0 {
		r.took[hash] = list[1:]
		return true
	}
	return one.class != "" && one.status == 0 && r.failed(one)
}
