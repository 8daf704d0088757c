package report

import "fmt"

// ledger holds all failures.
type ledger struct {
	reported failures // complaints of the go command
	dials    failures // connections
	errors   failures // requests
	gaveUp   failures // requests that the client gave up after a wait
}

func newLedger() ledger {
	return ledger{
		reported: failures{what: &complaining},
		dials:    failures{what: &unconnected},
		errors:   failures{what: &unanswering},
		gaveUp:   failures{what: &givenUp},
	}
}

// takeBackOf uncounts the failure of an exchange that a complaint is about.
func (l *ledger) takeBackOf(key string) {
	l.errors.takeBackOf(key)
	l.gaveUp.takeBackOf(key)
}

// endRun drops the exchanges of a run.
func (l *ledger) endRun() { l.errors.of, l.errors.connects, l.gaveUp.of = nil, nil, nil }

// all returns all failures, the most specific first.
func (l *ledger) all() []*failures {
	list := []*failures{&l.reported, &l.dials, &l.errors}
	if len(l.reported.count) == 0 || l.reported.count["timeout"] > 0 {
		list = append(list, &l.gaveUp) // after another failure they are its consequence
	}
	return list
}

// evidence returns a line for each kind of failure, for any cause.
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
