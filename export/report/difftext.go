package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// percent writes the relative difference, or "-" without one.
func (c *Change) percent() string {
	switch {
	case c.Before == nil || c.After == nil:
		return "-"
	case *c.Before == *c.After:
		return "0 %"
	case *c.Before == 0:
		return "new"
	}
	percent := math.Round((float64(*c.After)/float64(*c.Before) - 1) * 100)
	if percent == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%+.0f %%", percent)
}

// noise says whether a difference is one.
func (c *Change) noise() string {
	switch {
	case c.P == nil:
		return "-"
	case *c.Clear:
		return fmt.Sprintf("p = %.3f", *c.P)
	}
	return fmt.Sprintf("noise (p = %.3f)", *c.P)
}

// cell writes a value.
func (c *Change) cell(v *Millis) string {
	switch {
	case v == nil:
		return "-"
	case c.Unit == "requests":
		return fmt.Sprintf("%.0f", float64(*v))
	case c.Unit == "%" || strings.HasPrefix(c.Unit, "MB"):
		return fmt.Sprintf("%.2f", float64(*v))
	}
	return number(*v)
}

func (c *Comparison) tables() []table {
	times := table{"Time of a run (median, ms)", [][]string{{"phase", "before", "after", "difference", "certainty"}}}
	for i := range c.Times {
		t := &c.Times[i]
		times.rows = append(times.rows, []string{t.Name, t.cell(t.Before), t.cell(t.After), t.percent(), t.noise()})
	}
	requests := table{"All requests (times in ms)", [][]string{{"", "before", "after", "difference"}}}
	for i := range c.Requests {
		r := &c.Requests[i]
		name := r.Name
		if r.Unit == "%" {
			name += " (%)"
		}
		requests.rows = append(requests.rows, []string{name, r.cell(r.Before), r.cell(r.After), r.percent()})
	}
	list := []table{times, requests}
	if len(c.Failures) > 0 {
		failures := table{"Failures", [][]string{{"class", "before", "after"}}}
		for i := range c.Failures {
			f := &c.Failures[i]
			failures.rows = append(failures.rows, []string{clean(f.Name), f.cell(f.Before), f.cell(f.After)})
		}
		list = append(list, failures)
	}
	return append(list, pairTable("Proxies and servers", "proxy", c.Proxies), pairTable("Kinds of requests", "kind", c.Kinds))
}

// pairTable has a row for each side of a pair.
func pairTable(title, head string, list []Pair) table {
	t := table{title + " (times in ms)", [][]string{slices.Concat([]string{head, ""}, tallyHead)}}
	for _, p := range list {
		for i, side := range []*Tally{p.Before, p.After} {
			name, when := clean(p.Name), "before"
			if i == 1 {
				name, when = "", "after"
			}
			cells := slices.Repeat([]string{"-"}, len(tallyHead))
			if side != nil {
				cells = side.cells()
			}
			t.rows = append(t.rows, slices.Concat([]string{name, when}, cells))
		}
		t.rows = append(t.rows, slices.Concat([]string{"", "difference"}, differences(p.Before, p.After)))
	}
	return t
}

// differences returns the relative differences of the times of a pair.
func differences(before, after *Tally) []string {
	cells := []string{"-", "-"}
	for _, of := range []func(*Tally) *Quantiles{
		func(t *Tally) *Quantiles { return t.Wait },
		func(t *Tally) *Quantiles { return t.Total },
	} {
		if before == nil || after == nil || of(before) == nil || of(after) == nil {
			cells = append(cells, "-", "-", "-")
			continue
		}
		was, is := of(before), of(after)
		for _, v := range [][2]Millis{{was.P50, is.P50}, {was.P95, is.P95}, {was.P99, is.P99}} {
			cells = append(cells, (&Change{Before: &v[0], After: &v[1]}).percent())
		}
	}
	if before == nil || after == nil {
		return append(cells, "-", "-", "-", "-")
	}
	bytes := Change{Before: new(Millis(before.Bytes)), After: new(Millis(after.Bytes))}
	rate := Change{Before: before.Rate, After: after.Rate}
	return append(cells, bytes.percent(), rate.percent(), "-", "-")
}

// heads returns the sentence, and the verdicts of both sides with the evidence.
func (c *Comparison) heads() []string {
	list := []string{clean(c.Text)}
	for _, side := range []struct {
		when string
		r    *Report
	}{{"before", c.Before}, {"after", c.After}} {
		list = append(list, side.when+": "+side.r.headline())
		for _, e := range side.r.Verdict.Evidence {
			list = append(list, "  "+clean(e))
		}
	}
	return list
}

// WriteText writes the comparison for a terminal.
func (c *Comparison) WriteText(w io.Writer) error {
	var b strings.Builder
	b.WriteString(strings.Join(c.heads(), "\n") + "\n")
	appendText(&b, c.tables())
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteMarkdown writes the comparison in Markdown.
func (c *Comparison) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	for i, line := range c.heads() {
		switch text, indented := strings.CutPrefix(line, "  "); {
		case i == 0:
			b.WriteString("**" + escape(text) + "**\n\n")
		case indented:
			b.WriteString("  * " + escape(text) + "\n")
		default:
			b.WriteString("* " + escape(text) + "\n")
		}
	}
	appendMarkdown(&b, c.tables())
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes the comparison as one JSON object.
func (c *Comparison) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(c) }
