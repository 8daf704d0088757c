package report

import (
	"fmt"
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
func (j *judge) failure() Verdict {
	v := Verdict{Cause: Errors, Evidence: j.ledger.evidence()}
	for _, f := range j.ledger.all() {
		if len(f.count) > 0 {
			v.Cause, v.Text = f.verdict(j.tables.proxies.ranked())
			break
		}
	}
	if j.ends.outcomes[failed] == 0 && len(j.ledger.reported.count) == 0 {
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
