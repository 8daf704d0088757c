package exchange

import (
	"slices"
	"time"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

const (
	// maxUnanswered bounds the remembered exchanges that another may repeat.
	maxUnanswered = 256
	// maxRepeated bounds the URL of one.
	maxRepeated = 8 << 10
	// retryTime is the longest time until a client repeats a request: net/http
	// repeats for some 63 s (golang.org/x/net/http2.(*Transport).RoundTripOpt).
	retryTime = 90 * time.Second
)

// Retry says that an exchange repeats an unanswered one.
type Retry struct {
	// Attempt counts from 2 on.
	Attempt int
	// Conn, Stream and Class are those of the exchange before.
	Conn   string
	Stream uint32
	Class  Class
}

// repeats says why an unanswered request may be repeated.
type repeats struct {
	refused bool // the server did not process it
	gone    bool // its connection went away
}

// refuses reports whether a client takes a RST_STREAM as "not processed": RFC 9113 §8.7 says
// so of one code, and net/http treats another one alike (go.dev/issue/47635).
func refuses(c decoder.ErrCode) bool {
	return c == decoder.RefusedStream || c == decoder.ProtocolError
}

// mayRepeat reports whether a client may repeat a request that has ended as e did: always if
// it was refused; if its connection went away, only if the request is idempotent (RFC 9110
// §9.2.2). A later gRPC call, a POST to the same URL, is another call then.
func (e *Exchange) mayRepeat() bool {
	if e.Status != 0 || e.Error == nil || e.URL == "" || len(e.URL) > maxRepeated || e.Open {
		return false
	}
	switch e.Method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return e.again.refused || e.again.gone
	}
	return e.again.refused
}

// Retries finds the exchanges that repeat others. After a refused stream or a lost
// connection, a client may repeat the request (RFC 9113 §8.7), on that connection or
// another; net/http does so silently. The zero value is ready to use.
type Retries struct {
	unanswered []unanswered // oldest first
}

// unanswered is an exchange without a response.
type unanswered struct {
	process int
	method  string
	url     string
	end     ktime.Time
	next    Retry // of the one that repeats it
}

// Of takes an ended exchange of a process and connection. If it repeats an earlier one, Of
// returns that.
func (r *Retries) Of(process int, conn string, e *Exchange) *Retry {
	var retry *Retry
	again := func(u unanswered) bool {
		return u.process == process && u.method == e.Method && u.url == e.URL && u.end <= e.Start
	}
	if i := slices.IndexFunc(r.unanswered, again); i >= 0 {
		u := r.unanswered[i]
		r.unanswered = slices.Delete(r.unanswered, i, i+1)
		if e.Start.Sub(u.end) <= retryTime {
			retry = &u.next
		}
	}
	if !e.mayRepeat() {
		return retry
	}
	if len(r.unanswered) == maxUnanswered {
		r.unanswered = slices.Delete(r.unanswered, 0, 1)
	}
	attempt := 1
	if retry != nil {
		attempt = retry.Attempt
	}
	r.unanswered = append(r.unanswered, unanswered{
		process, e.Method, e.URL, e.End, Retry{attempt + 1, conn, e.Stream, e.Error.Class},
	})
	return retry
}
