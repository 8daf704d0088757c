//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// TestHelpFits demands that no line of a help page wraps on a terminal of 80
// columns.
func TestHelpFits(t *testing.T) {
	pages := map[string]string{"usage": shortUsage}
	for _, topic := range slices.Concat(topics(), causeTopics(), []string{""}) {
		page, err := helpOn(topic)
		if err != nil {
			t.Fatalf("%q: %v", topic, err)
		}
		pages["help "+topic] = page
	}
	for name, page := range pages {
		for line := range strings.Lines(page) {
			line = strings.TrimSuffix(line, "\n")
			if n := utf8.RuneCountInString(line); n > columns || strings.Contains(line, "\t") {
				t.Errorf("%s: %d columns: %q", name, n, line)
			}
		}
		if page == "" || !strings.HasSuffix(page, "\n") || strings.HasSuffix(page, "\n\n") {
			t.Errorf("%s does not end in one newline", name)
		}
	}
}

// TestHelpNamesEverything demands that the usage and the page of the flags name
// each subcommand that is built, and that page each flag.
func TestHelpNamesEverything(t *testing.T) {
	page, err := helpOn(topicFlags)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"top", "proxies", "report", "replay", "convert", "check", "completion", "version", "help"} {
		if !strings.Contains(page, "\n  h2trace "+name) || !strings.Contains(shortUsage, " h2trace "+name) {
			t.Errorf("subcommand %s is missing", name)
		}
	}
	fs := newFlagSet(&Options{})
	fs.VisitAll(func(f *pflag.Flag) {
		want := "      --" + f.Name
		if f.Shorthand != "" {
			want = "  -" + f.Shorthand + ", --" + f.Name
		}
		if !strings.Contains(page, "\n"+want+" ") {
			t.Errorf("flag %q is missing", want)
		}
	})
}
