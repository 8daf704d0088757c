package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// open is something that had not ended when the observing did.
type open struct {
	text  string
	since wallTime
}

// unended is what had not ended: those that began first, and how many in all.
type unended struct {
	list []open
	all  int
}

// maxOpen bounds how many of these are named.
const maxOpen = 8

// add notes what had not ended, and for how long.
func (u *unended) add(at wallTime, length time.Duration, text string) {
	if length < longWait {
		return // it was under way
	}
	u.all++
	u.list = append(u.list, open{fmt.Sprintf("%s since %s (%s)", text, clock(at.add(-length)), human(length)), at.add(-length)})
	slices.SortStableFunc(u.list, func(x, y open) int { return cmp.Compare(x.since, y.since) })
	u.list = u.list[:min(len(u.list), maxOpen)]
}

// evidence names what had not ended, in the order in which it began.
func (u *unended) evidence() (list []string) {
	for _, o := range u.list {
		list = append(list, o.text)
	}
	if n := u.all - len(u.list); n > 0 {
		list = append(list, fmt.Sprintf("%d more had not ended", n))
	}
	return list
}
