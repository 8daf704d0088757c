package report

import (
	"fmt"
	"strings"
	"time"
)

// fault is the fault of a suspect.
type fault int

// The faults.
const (
	noAnswer      fault = iota + 1 // unanswered requests
	noRest                         // incomplete responses
	badAnswer                      // failed requests
	noHandshake                    // endless TLS handshakes
	badHandshake                   // failed TLS handshakes
	noConnect                      // addresses that do not answer
	badConnect                     // addresses to which connections failed
	noName                         // failed lookups
	quiet                          // connections with a silent peer
	remoteControl                  // version control systems that fetch modules directly
	localControl                   // version control systems that do something else
)

// suspect is a party that cost a run time without any result, and its part of the critical
// path.
type suspect struct {
	fault   fault
	who     string // a proxy or another origin, an address, a name
	example string // an example of a request: "GET URL"
	why     string // the error, if any
	instead string // the party asked next
	count   int64
	cost    parts
}

// accused is what identifies a suspect.
type accused struct {
	fault fault
	who   string
}

// maxSuspects bounds the suspects.
const maxSuspects = 1 << 10

// suspects holds the suspects of all runs.
type suspects map[accused]*suspect

// get returns the suspect of a fault, or nil without room for it.
func (l suspects) get(f fault, who, example, why string) *suspect {
	key := accused{f, who}
	s := l[key]
	if s == nil {
		if len(l) == maxSuspects {
			return nil
		}
		s = &suspect{fault: f, who: who, example: example, why: why}
		l[key] = s
	}
	s.count++
	return s
}

// culprit returns the suspect with the most of a part of the critical path, or nil if none
// has half of it.
func (l suspects) culprit(part int, all time.Duration) *suspect {
	var most *suspect
	for _, s := range l {
		if part <= partTLS && part >= partDNS && s.fault <= badAnswer {
			continue // it took a connection to ask at all
		}
		if n := s.cost[part]; n > 0 && (most == nil || n > most.cost[part] || n == most.cost[part] && s.who < most.who) {
			most = s
		}
	}
	if most == nil || 2*most.cost[part] < all {
		return nil
	}
	return most
}

// charges holds, by fault, the cause, the sentence after the share of time, and the plural of
// the fault.
var charges = map[fault]struct {
	cause Cause
	text  string
	more  string
}{
	noAnswer:      {ServerWait, "waiting for an answer to {asked} from {who}, which never came", "requests"},
	noRest:        {ServerWait, "waiting for the rest of the response to {asked} from {who}, which never came", "requests"},
	badAnswer:     {ServerWait, "{who}, which failed ({why})", "requests"},
	noHandshake:   {TLS, "a TLS handshake with {who} that never ended: look at what listens there, and at what stands between", "handshakes"},
	badHandshake:  {TLS, "a TLS handshake with {who}, which failed ({why}): look at the certificate, and at what stands between", "handshakes"},
	noConnect:     {Connect, "connecting to {who}, which does not answer", "connections"},
	badConnect:    {Connect, "connecting to {who}, which failed ({why})", "connections"},
	noName:        {DNS, "resolving {who}, which failed ({why}): look at the resolver", "lookups"},
	quiet:         {ServerWait, "waiting for an answer from {who}, on a connection on which nothing more came", "connections"},
	localControl:  {VCS, "{who}, such as {asked}", "commands"},
	remoteControl: {VCS, "{who}, which fetched modules directly: look at the host of the repository, and at the line to it", "commands"},
}

// fill puts the names of the suspect into the text of a charge.
func (s *suspect) fill(text string) string {
	return strings.NewReplacer("{who}", s.who, "{asked}", s.example, "{why}", s.why).Replace(text)
}

// verdict returns the verdict on a suspect, with its share of the time.
func (s *suspect) verdict(part int, wall time.Duration) Verdict {
	c := charges[s.fault]
	text := fmt.Sprintf("%s of %s went to %s", human(s.cost[part]), human(wall), s.fill(c.text))
	switch {
	case s.fault != noConnect && s.fault != badConnect:
	case s.instead != "":
		text += "; " + s.instead + " was asked then: repair that address, or leave it out"
	default:
		text += ": look at the address, the network and the firewall"
	}
	v := Verdict{c.cause, text, nil}
	if s.count > 1 {
		v.Evidence = []string{fmt.Sprintf("%d such %s in all", s.count, c.more)}
	}
	return v
}
