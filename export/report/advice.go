package report

import (
	"fmt"
	"slices"
	"strings"
)

// failureCauses maps classes of failures to causes of their own.
var failureCauses = map[string]Cause{
	"checksum": Checksum, "dns": DNS, "connect": Connect, "tls": TLS,
}

// Texts for a failure of which only the class is known.
var dialAdvice = map[Cause]string{
	DNS:     "names could not be resolved: look at the resolver",
	Connect: "connections could not be made: look at the address, the network and the firewall",
	TLS:     "TLS handshakes failed: look at the certificate, and at what stands between",
}

// failure returns the verdict on failures that cost no time. A complaint of the go command
// has precedence over single requests: the command may have asked again, or another proxy.
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

// verdict returns the verdict on the most frequent class of failures. Of equally frequent
// ones it takes the one with a cause of its own. ranked are the proxies that --suggest
// names.
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
