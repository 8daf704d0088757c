// Package manpages reads the manual of h2trace, a Go doc comment whose headings part it into
// sections, with lists of flags in indented blocks, and writes man pages from it.
package manpages

import (
	"strings"
)

// Section is a part of the manual under one heading.
type Section struct {
	Title string // "" for what stands before the first heading
	Text  string
}

// Comment returns the text of the package comment of a Go file.
func Comment(source string) string {
	_, text, _ := strings.Cut(source, "/*\n")
	text, _, _ = strings.Cut(text, "*/\n")
	return text
}

// Sections takes a text apart at its headings.
func Sections(text string) []Section {
	parts := strings.Split("\n"+text, "\n# ")
	var list []Section
	if first := strings.TrimPrefix(parts[0], "\n"); first != "" {
		list = append(list, Section{Text: first})
	}
	for _, part := range parts[1:] {
		title, text, _ := strings.Cut(part, "\n\n")
		list = append(list, Section{title, strings.TrimRight(text, "\n") + "\n"})
	}
	return list
}

// Topic is the title in lower case, with hyphens for spaces.
func (s Section) Topic() string {
	return strings.ReplaceAll(strings.ToLower(s.Title), " ", "-")
}
