package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// clientIgnores are cases of which h2spec does not get what it wants from net/http.
var clientIgnores = []string{
	"client/5.1/1", "client/5.1/2", "client/5.1/3", "client/5.1.1/1", "client/6.4/2", // idle: it ignores them
	"client/5.1/5", "client/5.1/8", "client/5.1/9", "client/6.1/2", // closed: likewise
	"client/5.4.1/2", "client/6.9.1/1", // its GOAWAY is lost when it closes the connection
	clientHangs,
}

// clientHangs is a case that may have the client wait for a lock that it holds (processWindowUpdate, endStreamError).
const clientHangs = "client/6.9.1/2"

// TestH2specClient has h2spec test a client. Of each connection on which the server breaks a rule, the
// first violation must be its own and name the section that it tests, and the error that it wants. There
// must be none on the others.
func TestH2specClient(t *testing.T) {
	needProbes(t)
	tool := buildModule(t, "h2spec")
	a := modproxy.NewAuthority(t)
	for _, source := range []string{"cleartext", "wire", "calls"} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			secure := source != "cleartext"
			args, scheme := []string{"-clients", "-patience", patience.String()}, "http"
			c := command{args: []string{bin(t, "h2client"), "-timeout", patience.String(), "-each"}, env: peerEnv(a)}
			if secure {
				cert, key := a.ServerFiles(t)
				args, scheme = append(args, "-tls", "-cert", cert, "-key", key), "https"
				c.flags = []string{"--source", source}
			} else {
				c.args = append(c.args, "-plain")
			}
			cmd := exec.Command(tool, append(args, clientIgnores...)...)
			cmd.Stderr = os.Stderr
			_, stdout := child.Hold(t, cmd)
			results := bufio.NewReader(stdout)
			cases := offeredCases(t, results)
			for _, tc := range cases {
				c.args = append(c.args, fmt.Sprintf("%s://127.0.0.1:%d/", scheme, tc.Port))
			}
			tr := startTracing(t, c)
			for others := len(cases) - 1; others > 0; {
				if specResult(t, specLine(t, results), clientIgnores).Case != clientHangs {
					others--
				}
			}
			hangs := slices.IndexFunc(cases, func(c *specCase) bool { return c.Case == clientHangs })
			await(t, "a violation in "+clientHangs, func() bool { return violated(tr.events, cases[hangs].Port) })
			r := tr.good()
			if err := checkSummary(r.stream); err != nil {
				t.Error(err)
			}
			conns := byRemotePort(t, r.stream)
			for _, c := range cases {
				checkSpecCase(t, c, conns[c.Port], secure)
			}
		})
	}
}

func specLine(t *testing.T, from *bufio.Reader) []byte {
	t.Helper()
	line, err := from.ReadBytes('\n')
	if err != nil {
		t.Fatalf("h2spec: %v", err)
	}
	return line
}

// offeredCases reads the list of cases, each of which waits for a client.
func offeredCases(t *testing.T, from *bufio.Reader) (cases []*specCase) {
	t.Helper()
	if err := json.Unmarshal(specLine(t, from), &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 57 {
		t.Errorf("%d cases", len(cases))
	}
	return cases
}

// violated reports whether there is a violation on the connection to a port.
func violated(file string, port int) bool {
	b, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	conn := ""
	for line := range strings.Lines(string(b)) {
		var e struct{ Event, Conn, Remote, Violation string }
		if json.Unmarshal([]byte(line), &e) != nil {
			return false // half a line
		}
		if strings.HasSuffix(e.Remote, fmt.Sprintf(":%d", port)) {
			conn = e.Conn
		}
		if e.Violation != "" && e.Conn == conn {
			return true
		}
	}
	return false
}
