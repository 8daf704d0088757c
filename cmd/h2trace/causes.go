package main

import (
	_ "embed"
	"strings"

	"h2trace/cmd/h2trace/internal/manpages"
)

// causesSource has a page of help on each cause of a verdict, under its name.
//
//go:embed causes.txt
var causesSource string

// causes returns the pages of help on the causes of a verdict. The title of each is its name.
func causes() []manpages.Section { return manpages.Sections(causesSource) }

// helpOnCause returns the page of help on a cause; a "-" may stand for its "_".
func helpOnCause(topic string) (text string, ok bool) {
	for _, s := range causes() {
		if strings.EqualFold(s.Title, strings.ReplaceAll(topic, "-", "_")) {
			return s.Text, true
		}
	}
	return "", false
}

// causeTopics names the causes.
func causeTopics() []string {
	var list []string
	for _, s := range causes() {
		list = append(list, s.Title)
	}
	return list
}
