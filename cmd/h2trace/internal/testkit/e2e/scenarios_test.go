package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
)

// scenario is one interaction of h2client and h2server.
type scenario struct {
	name           string
	client, server []string // flags
	// frames are types that one direction of the connections must contain, which
	// proves that the scenario shows them.
	frames []string
}

var scenarios = []scenario{
	{name: "get", client: []string{"-scenario", "get"}, frames: []string{"DATA", "SETTINGS", "WINDOW_UPDATE"}},
	{name: "post bodies", client: []string{"-scenario", "post"}, frames: []string{"DATA"}},
	{name: "trailers", client: []string{"-scenario", "trailers,trailers"}, frames: []string{"HEADERS"}},
	{name: "large headers", client: []string{"-scenario", "headers"}, frames: []string{"CONTINUATION"}},
	{name: "many streams", client: []string{"-scenario", "streams"}, server: []string{"-streams", "100"}},
	{name: "cancelled by the client", client: []string{"-scenario", "reset"}, frames: []string{"RST_STREAM"}},
	{name: "aborted by the server", client: []string{"-scenario", "abort"}, frames: []string{"RST_STREAM"}},
	{name: "answered before the body", client: []string{"-scenario", "early"}, frames: []string{"RST_STREAM"}},
	{name: "pings of the client", client: []string{"-scenario", "ping", "-ping", "50ms"}, frames: []string{"PING"}},
	{name: "pings of the server", client: []string{"-scenario", "ping"}, server: []string{"-ping", "50ms"}, frames: []string{"PING"}},
	{name: "small client windows", client: []string{"-scenario", "get,streams", "-window", "4096"}, frames: []string{"WINDOW_UPDATE"}},
	{name: "small server windows", client: []string{"-scenario", "post,streams"}, server: []string{"-window", "4096"}, frames: []string{"WINDOW_UPDATE"}},
}

// onNet are scenarios that need the connection pool of net/http.
var onNet = []scenario{
	{name: "more streams than allowed", client: []string{"-scenario", "streams"}, server: []string{"-streams", "7"}},
	{name: "goaway", client: []string{"-scenario", "goaway"}, frames: []string{"GOAWAY"}},
}

// eachScenario runs f for each scenario on both implementations of HTTP/2.
func eachScenario(t *testing.T, f func(t *testing.T, s scenario)) {
	for _, impl := range []string{"net", "x"} {
		list := scenarios
		if impl == "net" {
			list = slices.Concat(scenarios, onNet)
		}
		for _, s := range list {
			s.client = append(slices.Clip(s.client), "-impl", impl)
			s.server = append(slices.Clip(s.server), "-impl", impl)
			t.Run(impl+"/"+s.name, func(t *testing.T) { f(t, s) })
		}
	}
}

func TestObservedClient(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	eachScenario(t, func(t *testing.T, s scenario) {
		srv := startServer(t, serverArgs(t, a, s.server...), peerEnv(a))
		r := startTracing(t, command{args: clientArgs(t, srv.addr, s.client...), env: debugEnv(peerEnv(a))}).wait()
		if r.status != 0 {
			t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
		}
		// The client exits right after it has closed its connections.
		pairs := verify(t, r, oracle.Options{Tail: true})
		checkShown(t, pairs, s)
		checkRole(t, pairs, "client", srv.addr)
	})
}

func TestObservedServer(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	eachScenario(t, func(t *testing.T, s scenario) {
		tr := startTracing(t, command{args: serverArgs(t, a, s.server...), env: debugEnv(peerEnv(a))})
		addr := tr.line()
		run(t, clientArgs(t, addr, s.client...), peerEnv(a))
		r := tr.wait()
		if r.status != 0 {
			t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
		}
		// The server writes into connections that the client has closed.
		pairs := verify(t, r, oracle.Options{Tail: true})
		checkShown(t, pairs, s)
		checkRole(t, pairs, "server", addr)
	})
}

// TestClientsOwnView compares the last windows with those of the client itself.
func TestClientsOwnView(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	srv := startServer(t, serverArgs(t, a, "-impl", "x"), peerEnv(a))
	for _, list := range []string{"get", "post,trailers", "streams", "reset,abort,early"} {
		t.Run(list, func(t *testing.T) {
			r := startTracing(t, command{
				args: clientArgs(t, srv.addr, "-impl", "x", "-view", "-scenario", list), env: debugEnv(peerEnv(a)),
			}).wait()
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
			}
			pairs := verify(t, r, oracle.Options{Tail: true})
			var want struct {
				Send int64 `json:"conn_send"`
				Recv int64 `json:"conn_recv"`
			}
			if err := json.Unmarshal([]byte(r.stdout), &want); err != nil {
				t.Fatalf("%v: %q", err, r.stdout)
			}
			frames := pairs[0].Trace.Frames
			got := frames[len(frames)-1].Window
			if *got.ConnSend != want.Send || *got.ConnRecv != want.Recv {
				t.Errorf("last windows %d, %d, the client itself has %d, %d", *got.ConnSend, *got.ConnRecv, want.Send, want.Recv)
			}
		})
	}
}

// checkShown requires the frames that a scenario is for.
func checkShown(t *testing.T, pairs []*oracle.Pair, s scenario) {
	t.Helper()
	shown := make(map[string]bool)
	for _, p := range pairs {
		for _, e := range p.Trace.Frames {
			shown[e.Type] = true
		}
	}
	for _, want := range s.frames {
		if !shown[want] {
			t.Errorf("no %s in this scenario", want)
		}
	}
}

// checkRole compares the role and the addresses of each connection with those known
// to the test.
func checkRole(t *testing.T, pairs []*oracle.Pair, role, addr string) {
	t.Helper()
	for _, p := range pairs {
		open := p.Trace.Open
		at := open.Remote
		if role == "server" {
			at = open.Local
		}
		if open.Role != role || at != addr {
			t.Errorf("%s: role %s with the server at %s, want %s at %s", p.Trace.ID, open.Role, at, role, addr)
		}
		if err := samePID(p.Trace); err != nil {
			t.Error(err)
		}
	}
}

func samePID(c *contract.Conn) error {
	for _, e := range c.Frames {
		if e.PID != c.Open.PID || e.PID == 0 {
			return fmt.Errorf("%s line %d: pid %d on a connection of %d", c.ID, e.Line, e.PID, c.Open.PID)
		}
	}
	return nil
}
