package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// noteKeys are the printed attributes of tests, in this order.
var noteKeys = []string{"cell", "measured", "reduced"}

// notes holds the values of attributes, in the order in which they were set.
type notes map[string][]string

func (n notes) add(key, value string) {
	n[key] = append(n[key], value)
}

// print writes a line for each value of noteKeys.
func (n notes) print(w io.Writer) {
	for _, key := range noteKeys {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, value := range n[key] {
			_, _ = fmt.Fprintf(t, "%s: %s\n", key, value)
		}
		_ = t.Flush() // as in summary.printf
	}
}
