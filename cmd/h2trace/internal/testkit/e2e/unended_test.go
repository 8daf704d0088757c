package e2e

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// TestUnended observes requests without a response, or with a partial one: canceled
// by the client, reset by the server, on a lost connection, or open at the end of the
// capture. It uses HTTP/1.1 and HTTP/2, with and without TLS, of the client and of
// the server. The phases say what each waited for.
func TestUnended(t *testing.T) {
	needProbes(t)
	target := startFile(t, bin(t, "h2client"), nil, "-unended")
	tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(target.pid)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	target.goOn()
	if line := firstLine(t, target.stdout); line != "open" {
		t.Fatalf("the program says %q", line)
	}
	// 4 protocols, 6 paths, two sides; and one to a server that is deaf.
	tr.awaitEvent(`"event":"request"`, 50)
	tr.awaitEvent(`"event":"exchange"`, 42)
	tr.signal(syscall.SIGINT)
	r := tr.good()
	if lost := r.stream.Of("loss"); len(lost) > 0 {
		t.Errorf("records were lost, and so the ends of requests may be: %s", rawOf(lost))
	}
	roles := make(map[string]string)
	for _, e := range r.stream.Of("conn") {
		if e.Action == "open" {
			roles[e.Conn] = e.Role
		}
	}
	list, err := r.stream.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	for i := range list {
		e := &list[i]
		u, err := url.Parse(e.URL)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := unendedWants[u.Path]; !ok {
			t.Errorf("an exchange with %q", e.URL)
			continue
		}
		seen[u.Path]++
		for _, fault := range faultsOf(e, unendedWants[u.Path]) {
			t.Errorf("%s, %s of %s: %s\n%s", u.Path, e.Protocol, roles[e.Conn], fault, r.stream.Of("exchange")[i].Raw)
		}
	}
	for path := range unendedWants {
		want := 8
		if path == "/lost" {
			want = 2
		}
		if seen[path] != want {
			t.Errorf("%s: %d exchanges, want %d", path, seen[path], want)
		}
	}
	checkRequests(t, r.stream, list)
}

// unendedWant is the expected exchange for a path. waits and receives say that at
// least the program's pause belongs to that phase.
type unendedWant struct {
	status          int
	classes         string // of HTTP/2; of HTTP/1.1 after a space, where it differs
	waits, receives bool
	open, grpc      bool
}

var unendedWants = map[string]unendedWant{
	"/hang":  {classes: "aborted", waits: true},
	"/body":  {status: 200, classes: "aborted", receives: true},
	"/reset": {status: 200, classes: "reset", receives: true},
	"/short": {status: 200, classes: "protocol reset"},
	"/grpc":  {status: 200, grpc: true},
	"/watch": {waits: true, open: true},
	"/lost":  {classes: "aborted", waits: true},
}

// faultsOf compares an exchange with the expected one.
func faultsOf(e *contract.Exchange, want unendedWant) []string {
	const pauseMS = 195 // of 200, less the difference between clocks
	var faults []string
	fault := func(is bool, text string) {
		if is {
			faults = append(faults, text)
		}
	}
	class, of1, _ := strings.Cut(want.classes, " ")
	if of1 != "" && e.Protocol == "http/1.1" {
		class = of1
	}
	got := ""
	if e.Error != nil {
		got = e.Error.Class
	}
	fault(e.Status != want.status, "status")
	fault(got != class, "class "+got+", want "+class)
	fault(e.Open != want.open, "open")
	fault(e.Send == nil || e.Total == nil || e.Start == nil, "no send or total")
	fault(want.waits && (e.Wait == nil || *e.Wait < pauseMS || e.Receive != nil), "it waited")
	fault(!want.waits && (e.Wait == nil || e.Receive == nil), "no wait or receive")
	fault(want.receives && (e.Receive == nil || *e.Receive < pauseMS || *e.ResponseBytes != 5), "it stopped in the body")
	fault(want.receives != (e.Silent != nil && *e.Silent >= pauseMS), "silent in the body")
	if want.grpc && strings.HasPrefix(e.Protocol, "h2") {
		fault(e.GRPCStatus == nil || *e.GRPCStatus != 5 || e.GRPCMessage != "no such thing", "status of gRPC")
	} else {
		fault(e.GRPCStatus != nil && !want.grpc, "a status of gRPC")
	}
	return faults
}

// checkRequests requires that each exchange began with an earlier request event of
// the same stream.
func checkRequests(t *testing.T, s *contract.Stream, exchanges []contract.Exchange) {
	t.Helper()
	type key struct {
		conn   string
		stream uint32
		url    string
	}
	begun := make(map[key]int)
	ended := 0
	for _, e := range s.Events {
		switch e.Event {
		case "request":
			var r contract.Exchange // a request event has some of its fields
			if err := json.Unmarshal([]byte(e.Raw), &r); err != nil {
				t.Fatal(err)
			}
			begun[key{r.Conn, r.Stream, r.URL}]++
		case "exchange":
			x := &exchanges[ended]
			ended++
			k := key{x.Conn, x.Stream, x.URL}
			if begun[k]--; begun[k] < 0 {
				t.Errorf("no request before %s", e.Raw)
			}
		}
	}
	for k, n := range begun {
		if n != 0 {
			t.Errorf("%d requests of %v without exchange", n, k)
		}
	}
}
