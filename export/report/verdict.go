package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Cause is what made the runs long.
type Cause string

// The causes.
const (
	Healthy    Cause = "healthy"
	DNS        Cause = "dns"
	Connect    Cause = "connect"
	TLS        Cause = "tls"
	ServerWait Cause = "server_wait"
	Bandwidth  Cause = "bandwidth"
	PacketLoss Cause = "packet_loss"
	RecvWindow Cause = "recv_window"
	SendWindow Cause = "send_window"
	Client     Cause = "client"
	Errors     Cause = "errors"
	Checksum   Cause = "checksum"
)

// Verdict is the cause, in a sentence that also says what would help, and what
// it rests on.
type Verdict struct {
	Cause    Cause    `json:"cause"`
	Text     string   `json:"text"`
	Evidence []string `json:"evidence"`
}

// A part of the wall time is a cause when it exceeds both.
const (
	largeShare = 0.30
	largeTime  = 100e6 // ns
)

// failureCauses are the classes of failures that are causes of their own.
var failureCauses = map[string]Cause{
	"checksum": Checksum, "dns": DNS, "connect": Connect, "tls": TLS,
}

func (b *Builder) verdict() Verdict {
	v := b.judge()
	v.Evidence = append(v.Evidence, b.blind()...)
	if v.Evidence == nil {
		v.Evidence = []string{}
	}
	return v
}

func (b *Builder) judge() Verdict {
	largest, size, wall := b.largest()
	var slow *Verdict
	if size > largeTime && float64(size) > largeShare*float64(wall) {
		slow = new(b.slow(largest))
	}
	// The go command asks for the lists of path prefixes that are no modules, and
	// what answers "forbidden" fails nothing.
	failed := len(b.errors.count) > 0
	costly := b.failed > 0 || 2*b.errors.time >= b.spent
	switch {
	case len(b.reported.count)+len(b.unmade.count) > 0 || failed && costly:
		v := b.failure()
		if slow != nil {
			v.Evidence = append(v.Evidence, fmt.Sprintf("besides, %s went to %s", share(size, wall), slow.Cause))
		}
		return v
	case slow != nil:
		slow.Evidence = append([]string{share(size, wall)}, slow.Evidence...)
		if failed {
			slow.Evidence = append(slow.Evidence, b.failure().Evidence...)
		}
		return *slow
	case failed:
		return b.failure()
	case b.failed > 0:
		return Verdict{Client, fmt.Sprintf("the command failed in %d of %d runs, and no request of it did: read what it printed", b.failed, b.runs), nil}
	case b.runs == 0:
		return Verdict{Client, "nothing was recorded: run h2trace with -o FILE and report FILE", nil}
	}
	return Verdict{
		Healthy,
		fmt.Sprintf("nothing failed, and no phase of the network took more than %.0f %% of the time and %.0f ms", largeShare*100, largeTime/1e6),
		[]string{share(b.parts[partOther], wall) + " went to the processes themselves"},
	}
}

// largest returns the phase of the network that took most of the wall time. What
// was waited for because packets were lost counts as receiving.
func (b *Builder) largest() (part int, size, wall int64) {
	part = partOther
	for i, n := range b.parts {
		if wall += n; i != partOther && n > size {
			part, size = i, n
		}
	}
	if lost := b.lostToLine(); lost > 0 {
		rest := b.parts[partWait] - (lost - b.parts[partReceive])
		if lost >= rest && (lost >= size || part == partWait) {
			part, size = partReceive, lost
		}
	}
	return part, size, wall
}

// share writes a part of the wall time.
func share(part, wall int64) string {
	return fmt.Sprintf("%s of %s (%.0f %%)", human(part), human(wall), 100*float64(part)/float64(max(wall, 1)))
}

// failure returns the verdict on what failed, where it is not the time that it
// took. What the go command says counts more than single requests: it may have
// asked again, or somebody else.
func (b *Builder) failure() Verdict {
	v := Verdict{Cause: Errors}
	var all []string
	var via string // the HTTP proxy that is the cause
	for _, f := range []*failures{&b.reported, &b.unmade, &b.errors} {
		classes := slices.SortedFunc(maps.Keys(f.count), func(x, y string) int {
			return cmp.Or(cmp.Compare(f.count[y], f.count[x]), cmp.Compare(x, y))
		})
		for _, class := range classes {
			v.Evidence = append(v.Evidence, fmt.Sprintf("%d × %s, such as %s", f.count[class], class, f.example[class]))
			if c, ok := failureCauses[class]; ok && v.Cause == Errors {
				v.Cause, via = c, f.via[class]
			}
			if !slices.Contains(all, class) {
				all = append(all, class)
			}
		}
	}
	harmless := b.failed == 0 && len(b.reported.count) == 0
	advice := "try another proxy; h2trace report --suggest names the best of those measured"
	if harmless {
		advice = "no command is known to have failed by it; h2trace report --suggest compares the proxies"
	}
	v.Text = map[Cause]string{
		Errors:   "requests failed (" + strings.Join(all, ", ") + "): " + advice,
		Checksum: "a module is not what go.sum or the checksum database says: do not use it, and fetch it from another proxy",
		DNS:      "names could not be resolved: look at the resolver",
		Connect:  "connections could not be made: look at the address, the network and the firewall",
		TLS:      "TLS handshakes failed: look at the certificate, and at what stands between",
	}[v.Cause]
	if advice := relayAdvice[v.Cause]; via != "" && advice != "" {
		v.Text = fmt.Sprintf(advice, via)
	}
	if harmless && v.Cause != Errors {
		v.Text += "; no command is known to have failed by it"
	}
	return v
}

// blind says what the verdict could not see.
func (b *Builder) blind() []string {
	var list []string
	if b.retries > 0 {
		list = append(list, fmt.Sprintf("%d requests repeat one that got no answer", b.retries))
	}
	if b.lost > 0 {
		list = append(list, fmt.Sprintf("%d records were lost: there may be more", b.lost))
	}
	if b.skipped > 0 {
		list = append(list, fmt.Sprintf("%d lines were no events, or damaged", b.skipped))
	}
	return list
}

// human writes a time for reading.
func human(ns int64) string {
	switch {
	case ns >= 1e9:
		return fmt.Sprintf("%.2f s", float64(ns)/1e9)
	case ns >= 10e6:
		return fmt.Sprintf("%.0f ms", float64(ns)/1e6)
	case ns >= 1e6:
		return fmt.Sprintf("%.1f ms", float64(ns)/1e6)
	}
	return fmt.Sprintf("%.3f ms", float64(ns)/1e6)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
