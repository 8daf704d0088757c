package main

import (
	"strings"

	"h2trace/export"
)

// eventList collects the -e flags of one command line; they add up. It is a
// pflag.Value.
type eventList struct {
	filter *export.Filter
	lists  []string
}

// Set adds one LIST, such as "conn,frame=HEADERS+DATA".
func (l *eventList) Set(list string) error {
	l.lists = append(l.lists, list)
	filter, err := export.ParseEvents(l.String())
	*l.filter = filter
	return err
}

// String returns all that was set.
func (l *eventList) String() string { return strings.Join(l.lists, ",") }

// Type names the value in messages of pflag.
func (l *eventList) Type() string { return "list" }
