package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// open is a request or a connection that was open at the end of the observation.
type open struct {
	text  string
	since wallTime
}

// unended holds the earliest open ones, and the number of all.
type unended struct {
	list []open
	all  int
}

// maxOpen bounds the named ones.
const maxOpen = 8

// add adds an open one, with its age.
func (u *unended) add(at wallTime, length time.Duration, text string) {
	if length < longWait {
		return // it made progress
	}
	u.all++
	u.list = append(u.list, open{fmt.Sprintf("%s since %s (%s)", text, clock(at.add(-length)), human(length)), at.add(-length)})
	slices.SortStableFunc(u.list, func(x, y open) int { return cmp.Compare(x.since, y.since) })
	u.list = u.list[:min(len(u.list), maxOpen)]
}

// evidence names the open ones, the earliest first.
func (u *unended) evidence() (list []string) {
	for _, o := range u.list {
		list = append(list, o.text)
	}
	if n := u.all - len(u.list); n > 0 {
		list = append(list, fmt.Sprintf("%d more had not ended", n))
	}
	return list
}
