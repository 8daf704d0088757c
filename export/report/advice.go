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

// What is said where no more is known than the class.
var dialAdvice = map[Cause]string{
	DNS:     "names could not be resolved: look at the resolver",
	Connect: "connections could not be made: look at the address, the network and the firewall",
	TLS:     "TLS handshakes failed: look at the certificate, and at what stands between",
}

// failure returns the verdict on what failed, where it is not the time that it
// took. What the go command says counts more than single requests: it may have
// asked again, or somebody else.
func (b *Builder) failure() Verdict {
	v := Verdict{Cause: Errors, Evidence: b.failureEvidence()}
	for _, f := range b.failures() {
		if len(f.count) > 0 {
			v.Cause, v.Text = f.verdict(b.ranked())
			break
		}
	}
	if b.outcomes[failed] == 0 && len(b.reported.count) == 0 {
		v.Text += "; no command is known to have failed by it"
	}
	return v
}

// verdict is on the class that most of the failures have, or of as many the one
// that is a cause of its own. ranked are the proxies that --suggest names.
func (f *failures) verdict(ranked []measured) (Cause, string) {
	all := f.classes()
	top := all[0]
	for _, class := range all {
		if _, ok := failureCauses[class]; ok && f.count[class] == f.count[top] {
			top = class
			break
		}
	}
	cause, ok := failureCauses[top]
	t := f.first[top]
	if t != nil {
		t.measured = slices.ContainsFunc(ranked, func(m measured) bool { return m.name != t.proxy })
	}
	switch {
	case t == nil || t.vague():
	case f.what == &complaining:
		return t.causes(), t.remedy()
	default:
		return t.causes(), "requests failed (" + strings.Join(all, ", ") + "): " + t.remedy()
	}
	switch {
	case ok && f.via[top] != "" && relayAdvice[cause] != "":
		return cause, fmt.Sprintf(relayAdvice[cause], f.via[top])
	case ok:
		return cause, dialAdvice[cause]
	}
	advice := another
	if len(ranked) == 0 {
		advice = anyOne
	}
	return Errors, "requests failed (" + strings.Join(all, ", ") + "): " + advice
}

// failures returns all that is known of what failed, what says most first.
func (b *Builder) failures() []*failures {
	list := []*failures{&b.reported, &b.failedDials, &b.errors}
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
			n := f.count[class]
			text := f.what.one
			example := ": "
			if n > 1 {
				text, example = fmt.Sprintf(f.what.more, n), ", such as "
			}
			list = append(list, fmt.Sprintf("%s (%s)%s%s", text, class, example, f.example[class]))
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
