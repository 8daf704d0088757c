package top

import (
	"fmt"
	"strings"

	"github.com/rivo/uniseg"
)

// Line is a line about all that was observed.
type Line struct {
	Text string
	Loss string // that of Text which says that records are lost, "" if none are
}

// half is where the second half of a line begins.
const half = 40

// Lines returns what there is to say of all that was observed, in lines of some 80 columns.
func (t *Totals) Lines() []Line {
	n := func(n int64) string { return amount(float64(n)) }
	lines := [...][2]string{
		{
			fmt.Sprintf("Processes  %s running of %s", n(t.Running), n(t.Processes)),
			fmt.Sprintf("Received  %-5s  %s/s", n(t.Bytes.Received), rate(t.Rates.Received)),
		},
		{
			fmt.Sprintf("Conns      %s open of %s, %s failed", n(t.Open), n(t.Conns), n(t.Unconnected)),
			fmt.Sprintf("Sent      %-5s  %s/s", n(t.Bytes.Sent), rate(t.Rates.Sent)),
		},
		{
			fmt.Sprintf("Requests   %s open, %s done, %s failed", n(t.InFlight), n(t.Requests), n(t.Failed)),
			fmt.Sprintf("Rate      %s/s, mean %s", rate(t.Rates.Requests), mean(t.Rates.Took)),
		},
		{
			fmt.Sprintf("Stalls     %s, %s in all", n(t.Stalls), span(t.Stalled)),
			"Lost      nothing",
		},
	}
	list := make([]Line, len(lines))
	for i, l := range lines {
		list[i].Text = l[0] + strings.Repeat(" ", max(1, half-uniseg.StringWidth(l[0]))) + l[1]
	}
	last := &list[len(list)-1]
	if t.Lost > 0 {
		last.Loss = "LOST      " + n(t.Lost) + " records"
		last.Text = strings.Replace(last.Text, "Lost      nothing", last.Loss, 1)
	}
	if t.Unlisted > 0 {
		last.Text += fmt.Sprintf(", %s without a row", n(t.Unlisted))
	}
	return list
}
