package exchange

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder/ktime"
)

func TestRetries(t *testing.T) {
	const url = "https://goproxy.example/m"
	failed, refused, gone := &Error{ClassReset, "why"}, repeats{refused: true}, repeats{gone: true}
	type step struct {
		process int
		e       Exchange
		want    *Retry
	}
	for name, steps := range map[string][]step{
		"until it is answered": {
			{1, Exchange{Stream: 1, Method: "GET", URL: url, Start: 1, End: 2, Error: failed, again: refused}, nil},
			{1, Exchange{Stream: 3, Method: "GET", URL: url, Start: 3, End: 4, Error: failed, again: refused}, &Retry{2, "c1", 1, ClassReset}},
			{1, Exchange{Stream: 5, Method: "GET", URL: url, Start: 5, End: 6, Status: 200}, &Retry{3, "c1", 3, ClassReset}},
			{1, Exchange{Stream: 7, Method: "GET", URL: url, Start: 7, End: 8, Status: 200}, nil},
		},
		"another process, method, URL": {
			{1, Exchange{Method: "GET", URL: url, Start: 1, End: 2, Error: failed, again: refused}, nil},
			{2, Exchange{Method: "GET", URL: url, Start: 3, End: 4, Status: 200}, nil},
			{1, Exchange{Method: "PUT", URL: url, Start: 3, End: 4, Status: 200}, nil},
			{1, Exchange{Method: "GET", URL: url + "/n", Start: 3, End: 4, Status: 200}, nil},
		},
		"under way at the same time": {
			{1, Exchange{Method: "GET", URL: url, Start: 1, End: 9, Error: failed, again: refused}, nil},
			{1, Exchange{Method: "GET", URL: url, Start: 8, End: 10, Status: 200}, nil},
		},
		"after an answer": {
			{1, Exchange{Method: "GET", URL: url, Start: 1, End: 2, Status: 503, Error: &Error{ClassHTTP5xx, "503"}}, nil},
			{1, Exchange{Method: "GET", URL: url, Start: 3, End: 4, Status: 200}, nil},
		},
		"after it was given up": {
			{1, Exchange{Method: "GET", URL: url, Start: 1, End: 2, Error: &Error{Class: ClassAborted}}, nil},
			{1, Exchange{Method: "GET", URL: url, Start: 3, End: 4, Status: 200}, nil},
		},
		"whose connection went away": {
			{1, Exchange{Method: "GET", URL: url, Start: 1, End: 2, Error: failed, again: gone}, nil},
			{1, Exchange{Stream: 3, Method: "GET", URL: url, Start: 3, End: 4, Status: 200}, &Retry{2, "c1", 0, ClassReset}},
		},
		"calls of gRPC": {
			{1, Exchange{Stream: 1, Method: "POST", URL: url, Start: 1, End: 2, Error: failed, again: gone}, nil},
			{1, Exchange{Stream: 3, Method: "POST", URL: url, Start: 3, End: 4, Error: failed}, nil},
			{1, Exchange{Stream: 5, Method: "POST", URL: url, Start: 5, End: 6, Error: failed, again: refused}, nil},
			{1, Exchange{Stream: 7, Method: "POST", URL: url, Start: 7, End: 8, Status: 200}, &Retry{2, "c1", 5, ClassReset}},
		},
		"after another failure": {
			{1, Exchange{Method: "GET", URL: url, Start: 1, End: 2, Error: failed}, nil},
			{1, Exchange{Method: "GET", URL: url, Start: 3, End: 4, Status: 200}, nil},
		},
		"much later": {
			{1, Exchange{Method: "GET", URL: url, Start: 1, End: 2, Error: failed, again: refused}, nil},
			{1, Exchange{Method: "GET", URL: url, Start: ktime.Time(3).Add(retryTime), End: ktime.Time(4).Add(retryTime), Status: 200}, nil},
		},
	} {
		var r Retries
		for i, s := range steps {
			if diff := cmp.Diff(s.want, r.Of(s.process, "c1", &s.e)); diff != "" {
				t.Errorf("%s: exchange %d repeats (-want +got):\n%s", name, i, diff)
			}
		}
	}
	var r Retries
	for i := range 2 * maxUnanswered {
		r.Of(i, "c1", &Exchange{Method: "GET", URL: url, Start: 1, End: 2, Error: failed, again: refused})
	}
	if len(r.unanswered) != maxUnanswered {
		t.Errorf("%d are remembered, want at most %d", len(r.unanswered), maxUnanswered)
	}
}
