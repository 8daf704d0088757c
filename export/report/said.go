package report

import (
	"net/url"
	"strings"

	"h2trace/export/redact"
)

// said holds the complaints of go commands in a run, with the exchanges and connections that
// they are about, so that a failure counts once.
type said struct {
	answers     map[string]*trouble // failed exchanges, by conn, stream and URL
	told        map[string]bool     // those that a complaint is about
	causes      map[string]bool     // of complaints
	lacking     map[string]bool     // modules that a proxy does not have
	failedDials map[accusation]bool
	refused     map[rejection]bool
	git         map[string]bool // hosts that version control systems did not reach
	family      family
}

// accusation is a complaint of a process about connections to a name or port, or to an HTTP
// proxy.
type accusation struct {
	pid         int64
	class, peer string
}

// rejection is a status that a process complains about.
type rejection struct {
	pid, status int64
	who         string
}

func (t *trouble) rejection() rejection { return rejection{t.pid, t.status, t.who()} }

// maxSaid bounds each of these maps.
const maxSaid = 1 << 12

func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	if len(*m) < maxSaid {
		(*m)[key] = value
	}
}

// exchange takes an exchange, and reports whether it counts as a failure by itself. For a
// path that may be no module, the end of the run decides.
func (s *said) exchange(x *exchangeEvent) bool {
	s.family.exchange(x)
	if x.class == nil {
		return false
	}
	key := x.key()
	t := ofExchange(x)
	put(&s.answers, key, t)
	if t.proxy != "" && x.notFound() {
		put(&s.lacking, t.path, true)
	}
	return !s.told[key] && !s.family.waits(x) && !s.refused[t.rejection()]
}

// complaint takes a complaint of a go command. Without a request, it is the only evidence
// about the proxy.
func (r *run) complaint(e *complaintEvent) {
	said, ledger := &r.said, &r.sums.ledger
	t, of := ofComplaint(e, said.answers)
	t.known = said.family.has(familyPath{pid: e.pid, path: t.path})
	t.public = said.lacking[t.path]
	for i := range of {
		switch key := of[i].key(); {
		case said.told[key]:
			continue
		case said.answers[key] != nil:
			ledger.takeBackOf(key)
		default:
			if r.sums.tables.spoilt(t, &of[i]) {
				r.sums.measures.failed++
			}
		}
		put(&said.told, of[i].key(), true)
	}
	for _, key := range said.refuses(t) {
		ledger.errors.takeBackOf(key)
	}
	said.accuse(t, e.pid)
	if t.via != "" {
		ledger.errors.takeBackConnects(e.pid)
	}
	if said.first(t) {
		ledger.reported.noteOf(t)
	}
	r.dials.complain(t)
	if t.status != 404 && t.status != 410 && t.blames() {
		r.sums.tables.blame(t.proxy, t.class)
	}
}

// first records the cause of a complaint, and reports whether it is the first with it.
func (s *said) first(t *trouble) bool {
	cause := t.cause()
	known := s.causes[cause]
	put(&s.causes, cause, true)
	return !known
}

// refuses takes a status that a go command complains about, and returns the exchanges with
// that status. One complaint stands for all of them, as the go command stops at the
// first.
func (s *said) refuses(t *trouble) (keys []string) {
	of := t.rejection()
	if t.status == 0 || s.refused[of] {
		return nil
	}
	put(&s.refused, of, true)
	for key, a := range s.answers {
		if a.rejection() == of {
			keys = append(keys, key)
		}
	}
	return keys
}

// accuse records the connections that a complaint is about.
func (s *said) accuse(t *trouble, pid int64) {
	class := t.class
	if class == "protocol" && strings.Contains(t.detail, plainAnswer) {
		class = "tls" // the handshake shows it
	}
	if t.via != "" {
		put(&s.failedDials, accusation{pid, class, t.via}, true)
		return
	}
	if t.class == "vcs" {
		if u, err := url.Parse(redact.Parseable(t.host)); err == nil && u.Host != "" {
			put(&s.git, u.Hostname(), true)
		}
		return
	}
	u, err := url.Parse(redact.Parseable(t.url))
	if err != nil || u.Host == "" {
		return
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80"}[u.Scheme]
	}
	if port == "" {
		port = "443"
	}
	put(&s.failedDials, accusation{pid, class, u.Hostname()}, true)
	put(&s.failedDials, accusation{pid, class, ":" + port}, true)
}

// speaksOf reports whether a go command complained about a failed connection.
func (s *said) speaksOf(u *failedDial) bool {
	peer := u.peer
	if u.via != "" {
		peer = u.via
	}
	return s.failedDials[accusation{u.pid, u.class, peer}] || s.git[u.peer]
}

// end counts the failed queries of families without any module.
func (s *said) end(of *sums) {
	for i := range s.family.failed {
		q := &s.family.failed[i]
		switch {
		case s.family.excuses(q.familyPath):
			of.tables.harmless(q)
			of.measures.excuse(q.of)
		case !s.told[q.key] && q.of.status != 404 && q.of.status != 410 && !s.refused[q.of.rejection()]:
			of.ledger.errors.noteOf(q.of)
			of.ledger.errors.time += q.time
		}
	}
	of.ledger.endRun()
}
