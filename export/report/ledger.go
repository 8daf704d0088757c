package report

import "fmt"

// ledger is all that failed.
type ledger struct {
	reported failures // what the go command itself said
	dials    failures // connections
	errors   failures // requests
	gaveUp   failures // requests that the client gave up after it had waited
}

func newLedger() ledger {
	return ledger{
		reported: failures{what: &complaining},
		dials:    failures{what: &unconnected},
		errors:   failures{what: &unanswering},
		gaveUp:   failures{what: &givenUp},
	}
}

// takeBackOf takes back the failure of an exchange that a complaint speaks of.
func (l *ledger) takeBackOf(key string) {
	l.errors.takeBackOf(key)
	l.gaveUp.takeBackOf(key)
}

// endRun forgets the exchanges of a run.
func (l *ledger) endRun() { l.errors.of, l.errors.connects, l.gaveUp.of = nil, nil, nil }

// all returns all that is known of what failed, what says most first.
func (l *ledger) all() []*failures {
	list := []*failures{&l.reported, &l.dials, &l.errors}
	if len(l.reported.count) == 0 || l.reported.count["timeout"] > 0 {
		list = append(list, &l.gaveUp) // elsewhere because something else failed
	}
	return list
}

// evidence returns a line for each kind of failure. It stands beside
// whatever is the cause.
func (l *ledger) evidence() (list []string) {
	for _, f := range l.all() {
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
