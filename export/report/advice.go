package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// failureCauses are the classes of failures that are causes of their own.
var failureCauses = map[string]Cause{
	"checksum": Checksum, "dns": DNS, "connect": Connect, "tls": TLS,
}

// failure returns the verdict on what failed, where it is not the time that it
// took. What the go command says counts more than single requests: it may have
// asked again, or somebody else.
func (b *Builder) failure() Verdict {
	v := Verdict{Cause: Errors, Evidence: b.failureEvidence()}
	var all []string
	var via string // the HTTP proxy that is the cause
	for _, f := range b.failures() {
		for _, class := range f.classes() {
			if c, ok := failureCauses[class]; ok && v.Cause == Errors {
				v.Cause, via = c, f.via[class]
			}
			if !slices.Contains(all, class) {
				all = append(all, class)
			}
		}
	}
	harmless := b.outcomes[failed] == 0 && len(b.reported.count) == 0
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

// failures returns all that is known of what failed, what says most first.
func (b *Builder) failures() []*failures {
	list := []*failures{&b.reported, &b.unmade, &b.errors}
	if len(b.reported.count) == 0 || b.reported.count["timeout"] > 0 {
		list = append(list, &b.gaveUp) // elsewhere because something else failed
	}
	return list
}

// failureEvidence returns a line for each kind of failure. It stands beside
// whatever is the cause.
func (b *Builder) failureEvidence() (list []string) {
	for _, f := range b.failures() {
		for _, class := range f.classes() {
			list = append(list, fmt.Sprintf("%d × %s, such as %s", f.count[class], class, f.example[class]))
		}
	}
	return list
}

// classes returns the classes of the failures, the most frequent first.
func (f *failures) classes() []string {
	return slices.SortedFunc(maps.Keys(f.count), func(x, y string) int {
		return cmp.Or(cmp.Compare(f.count[y], f.count[x]), cmp.Compare(x, y))
	})
}
