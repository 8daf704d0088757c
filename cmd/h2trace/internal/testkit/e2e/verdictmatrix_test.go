package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// situation is a row of the matrix of verdicts: what happens to a program under
// h2trace, and the expected report.
type situation struct {
	name string
	// run returns the file with the events.
	run func(t *testing.T, l *lab) string

	cause    string
	text     []string // each is in the text of the verdict
	evidence []string // each is in a line of the evidence
	never    []string // none is in the text or the evidence
	check    func(t *testing.T, r *conclusion)
}

// conclusion holds the fields of h2trace report --json that situations read.
type conclusion struct {
	Wall    float64            `json:"wall_ms"`
	Time    map[string]float64 `json:"time"`
	Verdict struct {
		Cause, Text string
		Evidence    []string
	}
	whole string
}

// atOnce is how many situations run at a time: mostly they wait.
const atOnce = 6

// checkSituations runs situations side by side, and then those in which there is
// nothing to find. Each is a subtest.
func checkSituations(t *testing.T, rows []situation) {
	t.Helper()
	needProbes(t)
	l := &lab{authority: modproxy.NewAuthority(t)}
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for _, row := range rows {
		if row.cause == "healthy" {
			continue // this is best seen when nothing else runs
		}
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			t.Run(row.name, func(t *testing.T) { row.holds(t, row.run(t, l)) })
		})
	}
	all.Wait()
	for _, row := range rows {
		if row.cause != "healthy" {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			events := row.run(t, l)
			// Another program may take the CPU from everything local here.
			for try := 0; try < 4 && conclude(t, events).Verdict.Cause != "healthy"; try++ {
				events = row.run(t, l)
			}
			row.holds(t, events)
		})
	}
}

// holds compares the report with the expected one.
func (s *situation) holds(t *testing.T, events string) {
	t.Helper()
	c := conclude(t, events)
	v := &c.Verdict
	said := strings.Join(append([]string{v.Text}, v.Evidence...), "\n")
	if v.Cause != s.cause {
		t.Errorf("got cause %s, want %s", v.Cause, s.cause)
	}
	for _, want := range s.text {
		if !strings.Contains(v.Text, want) {
			t.Errorf("the text has no %q", want)
		}
	}
	for _, want := range s.evidence {
		if !strings.Contains(strings.Join(v.Evidence, "\n"), want) {
			t.Errorf("the evidence has no %q", want)
		}
	}
	for _, word := range s.never {
		if strings.Contains(said, word) {
			t.Errorf("it says %q", word)
		}
	}
	sum := 0.0
	for _, ms := range c.Time {
		sum += ms
	}
	if sum-c.Wall > 0.01 || c.Wall-sum > 0.01 {
		t.Errorf("the phases come to %.3f ms of %.3f", sum, c.Wall)
	}
	if s.check != nil {
		s.check(t, c)
	}
	if t.Failed() {
		raw, _ := os.ReadFile(events) // for the message
		t.Logf("%s: %s\n%s\n%s", v.Cause, said, indent(c.whole), indent(string(raw)))
	}
}

// conclude returns the report.
func conclude(t *testing.T, events string) *conclusion {
	t.Helper()
	out, err := exec.Command(bin(t, "h2trace"), "report", "--json", events).Output()
	if err != nil {
		t.Fatalf("h2trace report: %v", err)
	}
	c := &conclusion{whole: string(out)}
	if err := json.Unmarshal(out, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// lab is what situations share.
type lab struct{ authority *modproxy.Authority }

// traced runs a command under h2trace to its end, and requires a status. It returns
// the file with the events.
func traced(t *testing.T, status int, c command) string {
	t.Helper()
	tr := startTracing(t, c)
	if r := tr.wait(); r.status != status {
		t.Errorf("exit status %d, want %d\n%s", r.status, status, indent(messagesOf(r.stderr)))
	}
	return tr.events
}

// download is go mod download of mods through a list of proxies, with an additional
// environment.
func (l *lab) download(t *testing.T, mods []modproxy.Module, goproxy string, env ...string) command {
	t.Helper()
	w := modproxy.NewWorkspace(t, l.authority, mods)
	return command{args: []string{"go", "mod", "download"}, dir: w.Dir, env: append(append(w.Env, "GOPROXY="+goproxy), env...)}
}

var oneModule = modproxy.Modules("example.test/one", 1, 1000)
