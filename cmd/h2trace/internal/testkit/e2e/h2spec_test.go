package e2e

import (
	"bytes"
	"encoding/json"
	"net"
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// specCase is a line of scripts/h2spec.
type specCase struct {
	Case, Description, Requirement string
	Port                           int
	Skipped                        bool
	Failed                         string
}

// breaks reports whether the client breaks a rule in it: h2spec then wants an error, or the end of the
// connection.
func (c *specCase) breaks() bool {
	return strings.Contains(strings.ToLower(c.Requirement), "error") || strings.HasSuffix(c.Requirement, "the TCP connection.") ||
		strings.HasSuffix(c.Requirement, "the TCP connection")
}

// newSections has the sections of RFC 9113 for those of RFC 7540, which h2spec names, where they differ.
var newSections = map[string]string{
	"http2/3.5":     "RFC 9113 §3.4",
	"http2/5.3.1":   "RFC 7540 §5.3.1", // RFC 9113 has no priorities
	"http2/8.1.2":   "RFC 9113 §8.2.1",
	"http2/8.1.2.1": "RFC 9113 §8.3",
	"http2/8.1.2.2": "RFC 9113 §8.2.2",
	"http2/8.1.2.3": "RFC 9113 §8.3.1",
	"http2/8.1.2.6": "RFC 9113 §8.1.1",
	"http2/8.2":     "RFC 9113 §8.4",
	"http2/5.4.1":   "RFC 9113 §6.7", // about any connection error; it sends a PING on a stream
	"client/5.4.1":  "RFC 9113 §6.7",
	"http2/6.10/6":  "RFC 9113 §6.2", // the DATA before it follows HEADERS without END_HEADERS
	"client/6.10/6": "RFC 9113 §6.2",
	"hpack/5.2/3":   "RFC 7541 §5", // no EOS, as is meant, but a string beyond the end of the block
}

// section returns the section that a case breaks.
func (c *specCase) section() string {
	group := c.Case[:strings.LastIndexByte(c.Case, '/')]
	for _, name := range []string{c.Case, group} {
		if s, ok := newSections[name]; ok {
			return s
		}
	}
	if number, ok := strings.CutPrefix(group, "hpack/"); ok {
		return "RFC 7541 §" + number
	}
	_, number, _ := strings.Cut(group, "/")
	return "RFC 9113 §" + number
}

var (
	namedRFC     = regexp.MustCompile(`RFC \d+ |§[0-9.]+`)
	namedErrors  = regexp.MustCompile(`[A-Z]+_[A-Z_]+`)
	notObjecting = []string{"http2/6.5.3/1", "http2/8.1.2.2/1", "http2/8.1.2.2/2"} // where net/http is not as h2spec wants
)

// sectionsOf returns the sections that a text names, as in "RFC 9113 §4.3, §6.2".
func sectionsOf(text string) (sections []string) {
	rfc := ""
	for _, s := range namedRFC.FindAllString(text, -1) {
		if strings.HasPrefix(s, "RFC") {
			rfc = s
			continue
		}
		sections = append(sections, rfc+s)
	}
	return sections
}

// TestH2spec has h2spec test a server. Of each connection on which it breaks a rule, the first
// violation must be its own and name the section that it tests, and the error that it wants. There must
// be none on the others.
func TestH2spec(t *testing.T) {
	needProbes(t)
	tool := buildModule(t, "h2spec")
	a := modproxy.NewAuthority(t)
	limit := []string{"-frame", "16384"} // of which h2spec sends more
	for _, source := range []string{"cleartext", "wire", "calls"} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			secure := source != "cleartext"
			c := command{args: append([]string{bin(t, "h2server"), "-plain"}, limit...), env: peerEnv(a)}
			if secure {
				c.args, c.flags = serverArgs(t, a, limit...), []string{"--source", source}
			}
			tr := startTracing(t, c)
			cases := runH2spec(t, tool, tr.line(), secure)
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

// byRemotePort returns the first connection with each port of the peer.
func byRemotePort(t *testing.T, s *contract.Stream) map[int]*contract.Conn {
	t.Helper()
	conns := make(map[int]*contract.Conn)
	for _, c := range s.Conns() {
		if c.Open.Remote == "" {
			continue // of a call that returned after the end of its connection
		}
		at, err := netip.ParseAddrPort(c.Open.Remote)
		if err != nil {
			t.Fatalf("%v: %s", err, c.Open.Raw)
		}
		if port := int(at.Port()); conns[port] == nil {
			conns[port] = c
		}
	}
	return conns
}

func runH2spec(t *testing.T, tool, addr string, secure bool) (cases []*specCase) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-host", host, "-port", port, "-path", "/after", "-patience", patience.String(), "-tls=" + strconv.FormatBool(secure)}
	failing := notObjecting
	if !secure {
		failing = append(slices.Clone(failing), "http2/3.5/2") // taken for HTTP/1.x
	}
	cmd := exec.Command(tool, append(args, failing...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("h2spec: %v\n%s", err, indent(stderr.String()))
	}
	for line := range bytes.Lines(out) {
		cases = append(cases, specResult(t, line, failing))
	}
	if len(cases) != 146 {
		t.Errorf("%d cases", len(cases))
	}
	return cases
}

// specResult reads the result of a case, which must have passed unless its name is known.
func specResult(t *testing.T, line []byte, failing []string) *specCase {
	t.Helper()
	c := new(specCase)
	if err := json.Unmarshal(line, c); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	if c.Skipped || c.Failed != "" && !slices.Contains(failing, c.Case) {
		t.Errorf("%s, %s: skipped %v, failed: %s", c.Case, c.Description, c.Skipped, c.Failed)
	}
	return c
}

func checkSpecCase(t *testing.T, c *specCase, conn *contract.Conn, secure bool) {
	t.Helper()
	if c.Case == "http2/3.5/2" && !secure {
		if conn != nil { // neither HTTP/1.x nor HTTP/2
			t.Errorf("%s is printed: %s", c.Case, conn.Open.Raw)
		}
		return
	}
	if conn == nil || conn.Close == nil {
		t.Errorf("%s, %s: no connection from port %d, or not to its end", c.Case, c.Description, c.Port)
		return
	}
	var got, theirs []string
	for _, f := range conn.Frames {
		switch {
		case f.Violation == "":
		case f.Dir == "recv":
			got = append(got, f.Type+": "+f.Violation)
		default:
			theirs = append(theirs, f.Type)
		}
	}
	if c.Case == "http2/3.5/2" { // there is no frame
		got = append(got, "PROTOCOL_ERROR: "+conn.Close.Raw)
	}
	if !c.breaks() {
		if len(got) > 0 {
			t.Errorf("%s, %s: %q", c.Case, c.Description, got)
		}
	} else if len(got) == 0 || !slices.Contains(sectionsOf(got[0]), c.section()) || !c.wantsError(got[0]) {
		t.Errorf("%s, %s: got %q, want %s. %s", c.Case, c.Description, got, c.section(), c.Requirement)
	}
	// A server must not reset an idle stream (RFC 9113 §6.4); net/http does so in answer to a PRIORITY.
	if len(theirs) > 0 && (c.Case != "http2/5.3.1/2" || !slices.Equal(theirs, []string{"RST_STREAM"})) {
		t.Errorf("%s, %s: %q of the observed process break rules", c.Case, c.Description, theirs)
	}
}

// wantsError reports whether a violation has an error code that h2spec wants.
func (c *specCase) wantsError(violation string) bool {
	wanted := namedErrors.FindAllString(c.Requirement, -1)
	switch {
	case strings.Contains(c.Requirement, "decoding error"):
		wanted = []string{"COMPRESSION_ERROR"}
	case len(wanted) == 0:
		return true
	case strings.HasPrefix(violation, "CONTINUATION: PROTOCOL_ERROR"): // RFC 9113 §6.10, in any state
		return true
	}
	return slices.ContainsFunc(wanted, func(code string) bool { return strings.Contains(violation, " "+code+":") })
}
