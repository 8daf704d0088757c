package exchange

import "slices"

const (
	// maxUnanswered bounds the exchanges that are remembered for one that
	// repeats them.
	maxUnanswered = 256
	// retryTime is how long a client may wait before it does, in nanoseconds:
	// net/http goes on for some 63 s (golang.org/x/net/http2.(*Transport).RoundTripOpt).
	retryTime = 90e9
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
	end     int64
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
		if e.Start-u.end <= retryTime {
			retry = &u.next
		}
	}
	if e.Status != 0 || e.Error == nil || e.Error.Class == ClassAborted || e.URL == "" || e.End == 0 {
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
