package exchange

import (
	"slices"
	"time"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

const (
	// maxUnanswered bounds the exchanges that are remembered for one that
	// repeats them.
	maxUnanswered = 256
	// maxRepeated is the longest URL of one.
	maxRepeated = 8 << 10
	// retryTime is how long a client may wait before it does: net/http goes on for
	// some 63 s (golang.org/x/net/http2.(*Transport).RoundTripOpt).
	retryTime = 90 * time.Second
)

// Retry says that an exchange repeats one that was not answered.
type Retry struct {
	// Attempt counts from 2 on.
	Attempt int
	// Conn, Stream and Class are of the exchange before.
	Conn   string
	Stream uint32
	Class  Class
}

// repeats says why a request that was not answered may be sent again.
type repeats struct {
	refused bool // the server has not acted on it
	gone    bool // its connection went away
}

// refuses reports whether a client takes a RST_STREAM for a request that was not
// acted on: so RFC 9113 §8.7 says of one code, and net/http treats another alike
// (go.dev/issue/47635).
func refuses(c decoder.ErrCode) bool {
	return c == decoder.RefusedStream || c == decoder.ProtocolError
}

// mayRepeat reports whether a client may send a request again that has ended as e
// did: one that was refused always, one whose connection went away only where
// acting on it twice does no harm (RFC 9110 §9.2.2). A call of gRPC, a POST to the
// same URL as those before, is then another call.
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

// Retries finds which exchanges repeat others. A client that gets no response
// because the stream was refused, or the connection went away, may send the
// request again (RFC 9113 §8.7), on that connection or another; net/http does
// so without a word. The zero value is ready.
type Retries struct {
	unanswered []unanswered // oldest first
}

// unanswered is an exchange that ended without a response.
type unanswered struct {
	process int
	method  string
	url     string
	end     ktime.Time
	next    Retry // of the one that repeats it
}

// Of takes an exchange that ended, of that process and connection. When it
// repeats one that was taken before it, Of says which one.
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
