package main

import (
	"fmt"
	"strings"
)

// columns are the plans of the table.
var columns = []string{planEmpty, planEntryRet, planCalls, planWire}

// none is a cell of a plan that did not run, or of which that is not known.
const none = "–"

// table writes what matters as Markdown, for scripts/README.md.
func (r *report) table(w *strings.Builder) {
	fmt.Fprintf(w, "\n| | `%s` |\n|---|%s\n", strings.Join(columns, "` | `"), strings.Repeat("---|", len(columns)))
	for i := range r.Throughput {
		t := &r.Throughput[i]
		tableRow(w, t.Title+": throughput kept", t.kept)
		tableRow(w, t.Title+": CPU per "+t.unit(), t.cpu)
		tableRow(w, t.Title+": memory; records lost", t.memory)
	}
	for _, plans := range byTitle(r.FixedRates, (*rateReport).title) {
		tableRow(w, plans[0].title()+": CPU per frame; records lost", find(plans, func(p *rateReport) (string, string) {
			if p.Cost == nil {
				return p.Plan, none
			}
			return p.Plan, fmt.Sprintf("%.2f µs; %d", p.Cost.CPUMicrosPerFrame, p.Cost.RecordsLost)
		}))
	}
	for _, plans := range byTitle(r.Single, (*singleReport).title) {
		tableRow(w, plans[0].title()+": memory; records lost", find(plans, func(s *singleReport) (string, string) {
			if !s.Summary {
				return s.Plan, none
			}
			return s.Plan, memoryAndLost(s.MaxRSSBytes, s.RecordsLost)
		}))
	}
	if len(r.Nothing) > 0 {
		tableRow(w, "a command that does nothing: time, CPU", find(r.Nothing, func(n *nothingReport) (string, string) {
			return n.Plan, fmt.Sprintf("%.0f ms, %.0f ms", n.WallMillis, n.CPUMillis)
		}))
	}
}

func tableRow(w *strings.Builder, title string, cell func(plan string) string) {
	fmt.Fprintf(w, "| %s |", title)
	for _, plan := range columns {
		fmt.Fprintf(w, " %s |", cell(plan))
	}
	fmt.Fprintln(w)
}

// find returns a function that returns the text of the report of a plan.
func find[R any](reports []R, text func(*R) (plan, text string)) func(plan string) string {
	return func(plan string) string {
		for i := range reports {
			if of, s := text(&reports[i]); of == plan {
				return s
			}
		}
		return none
	}
}

// byTitle groups adjacent reports of one title.
func byTitle[R any](reports []R, title func(*R) string) [][]R {
	var groups [][]R
	from := 0
	for i := range reports {
		if i+1 == len(reports) || title(&reports[i+1]) != title(&reports[i]) {
			groups = append(groups, reports[from:i+1])
			from = i + 1
		}
	}
	return groups
}

func (p *rateReport) title() string { return fmt.Sprintf("100 B, %d requests/s", p.Wanted) }

func (s *singleReport) title() string {
	if s.Conns > 1 {
		return fmt.Sprintf("%s, %d connections", s.Title, s.Conns)
	}
	return fmt.Sprintf("%s, %.0f s at full rate", s.Title, s.Seconds)
}

func memoryAndLost(rss, lost int64) string { return fmt.Sprintf("%.0f MB; %d", float64(rss)/1e6, lost) }

// kept returns the throughput under a plan, relative to unobserved.
func (p *throughputReport) kept(plan string) string {
	return find(p.Variants, func(v *variantReport) (string, string) {
		text, spread, _ := strings.Cut(v.OfUnobserved.String(), "\t")
		return v.Name, text + " " + spread
	})(plan)
}

func (p *throughputReport) unit() string {
	if p.Bulk {
		return "GB"
	}
	return "frame"
}

// cpu returns the CPU time that h2trace used under a plan.
func (p *throughputReport) cpu(plan string) string {
	return p.cost(plan, func(c *costReport) string {
		text := fmt.Sprintf("%.2f µs", c.CPUMicrosPerFrame)
		if p.Bulk {
			text = fmt.Sprintf("%.0f ms", 1e3*c.CPUSecondsPerGB)
		}
		if c.RecordsLost > 0 {
			text += ", with losses" // what was lost cost little, and counts as bytes
		}
		return text
	})
}

func (p *throughputReport) memory(plan string) string {
	return p.cost(plan, func(c *costReport) string { return memoryAndLost(c.MaxRSSBytes, c.RecordsLost) })
}

func (p *throughputReport) cost(plan string, text func(*costReport) string) string {
	return find(p.Variants, func(v *variantReport) (string, string) {
		if v.Cost == nil {
			return v.Name, none
		}
		return v.Name, text(v.Cost)
	})(plan)
}
