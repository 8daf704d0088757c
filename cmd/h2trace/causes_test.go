package main

import (
	"slices"
	"strings"
	"testing"

	"h2trace/export/report"
)

// TestHelpOnCauses demands a page of help for each cause of a verdict, and none besides: what
// it means, how to confirm it, what to change.
func TestHelpOnCauses(t *testing.T) {
	var want []string
	for _, cause := range report.Causes() {
		want = append(want, string(cause))
	}
	if got := causeTopics(); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("pages on %v, causes %v", got, want)
	}
	manual, err := helpOn("help")
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range want {
		page, err := helpOn(topic)
		if err != nil {
			t.Errorf("%s: %v", topic, err)
			continue
		}
		if n := strings.Count(page, "\nTo confirm it, "); n != 1 {
			t.Errorf("%s says %d times how to confirm it", topic, n)
		}
		// Commands are indented, paragraphs are not.
		paragraphs := 0
		for part := range strings.SplitSeq(page, "\n\n") {
			if !strings.HasPrefix(part, "  ") {
				paragraphs++
			}
		}
		if paragraphs != 3 {
			t.Errorf("%s has %d paragraphs, want 3", topic, paragraphs)
		}
		if !slices.Contains(strings.Fields(manual), topic) {
			t.Errorf("the manual does not name the topic %s", topic)
		}
		if alike, err := helpOn(strings.ReplaceAll(topic, "_", "-")); err != nil || alike != page {
			t.Errorf("%s is not found with a hyphen: %v", topic, err)
		}
	}
	for _, topic := range topics() {
		if !slices.Contains(strings.Fields(manual), topic) {
			t.Errorf("the manual does not name the topic %s", topic)
		}
	}
}
