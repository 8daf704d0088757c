package top

import "fmt"

// Line is a line about all that was observed.
type Line struct {
	Text string
	Loss string // that of Text which says that records are lost, "" if none are
}

// Lines returns what there is to say of all that was observed.
func (t *Totals) Lines() []Line {
	list := []Line{
		{Text: fmt.Sprintf("Processes %s of %s   connections %s of %s, %s not established",
			amount(float64(t.Running)), amount(float64(t.Processes)), amount(float64(t.Open)), amount(float64(t.Conns)), amount(float64(t.Unconnected)))},
		{Text: fmt.Sprintf("Requests  %s open, %s done, %s failed, %s/s, mean %s",
			amount(float64(t.InFlight)), amount(float64(t.Requests)), amount(float64(t.Failed)), rate(t.Rates.Requests), span(t.Rates.Took))},
		{Text: fmt.Sprintf("Bytes     received %s (%s/s), sent %s (%s/s)   stalls %s (%s)",
			amount(float64(t.Bytes.Received)), rate(t.Rates.Received), amount(float64(t.Bytes.Sent)), rate(t.Rates.Sent), amount(float64(t.Stalls)), span(t.Stalled))},
	}
	last := &list[len(list)-1]
	if t.Lost > 0 {
		last.Loss = fmt.Sprintf("LOST %s records", amount(float64(t.Lost)))
		last.Text += "   " + last.Loss
	} else {
		last.Text += "   lost nothing"
	}
	return list
}
