package proxies

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// A table is not wider than maxColumns, if that takes no name of less than minName.
const (
	maxColumns = 132
	minName    = 12
)

// WriteText writes the tables, the verdicts and the order for people. The command that sets
// GOPROXY is the last line.
func (r *Result) WriteText(w io.Writer) error {
	var b strings.Builder
	b.WriteString(r.Work + "\n")
	writeTable(&b, r.outcomes())
	b.WriteString(r.legend())
	b.WriteString("\nTimes of requests and of their connections in ms: P50 P95 P99\n")
	writeTable(&b, r.quantiles())
	b.WriteString("\nVerdicts\n")
	for _, row := range r.Proxies {
		fmt.Fprintf(&b, "  %s: %s: %s\n", row.Proxy, row.Verdict.Cause, clean(row.Verdict.Text))
		for _, e := range row.Verdict.Evidence {
			fmt.Fprintf(&b, "    %s\n", clean(e))
		}
	}
	if len(r.sentences) > 0 {
		b.WriteString("\nOrder, by the time of a download\n")
		for _, s := range r.sentences {
			b.WriteString("  " + s + "\n")
		}
	}
	if r.GOPROXY != "" {
		b.WriteString("\n" + r.GOPROXY + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// legend says what the noise is.
func (r *Result) legend() string {
	var few, many bool
	for _, row := range r.Proxies {
		few = few || row.Wall != nil && row.Wall.Confidence == 0 && row.Wall.Low < row.Wall.High
		many = many || row.Wall != nil && row.Wall.Confidence > 0
	}
	const interval, extremes = "where the median is with 95 % confidence", "the least and the most"
	switch {
	case few && many:
		return "  noise: " + interval + "; of fewer than 6 downloads, " + extremes + "\n"
	case few:
		return "  noise: " + extremes + ", as fewer than 6 downloads were done\n"
	case many:
		return "  noise: " + interval + "\n"
	}
	return ""
}

// outcomes is the table of everything but the quantiles.
func (r *Result) outcomes() [][]string {
	rows := [][]string{{
		"proxy", "done", "median s", "noise", "MB/s", "HTTP", "reused", "resumed", "resent", "cached", "requests", "failed",
	}}
	for _, row := range r.Proxies {
		median, noise := row.Wall.cells()
		rows = append(rows, []string{
			bare(row.Proxy), fmt.Sprintf("%d of %d", row.Downloads-row.Failed, row.Downloads), median, noise,
			decimal(row.Rate), cmp.Or(row.HTTP, "-"),
			percent(row.Reused), percent(row.Resumed), percent(row.Retransmitted), percent(row.CacheHits),
			fmt.Sprint(row.Requests), failureCell(row.Failures, row.Requests),
		})
	}
	return rows
}

// quantiles is the table of times.
func (r *Result) quantiles() [][]string {
	rows := [][]string{{"proxy", "dns", "connect", "tls", "wait", "total"}}
	for _, row := range r.Proxies {
		cells := []string{bare(row.Proxy)}
		for _, q := range []*quantiles{row.DNS, row.Connect, row.TLS, row.Wait, row.Total} {
			cells = append(cells, q.cell())
		}
		rows = append(rows, cells)
	}
	return rows
}

// writeTable writes rows with their columns below each other. Names of proxies are shortened
// where the rows are too long.
func writeTable(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	all := 0
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		all += len("  ") + widths[i]
	}
	if all > maxColumns {
		widths[0] = min(widths[0], max(minName, widths[0]-(all-maxColumns)))
	}
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			if i == 0 {
				cell = shorten(cell, widths[0])
			}
			line += "  " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// bare returns the name of a proxy without what most have in common.
func bare(name string) string { return strings.TrimPrefix(name, "https://") }

// shorten takes out the middle of a long name.
func shorten(name string, most int) string {
	runes := []rune(name)
	if len(runes) <= most {
		return name
	}
	return string(runes[:most-most/2-1]) + "…" + string(runes[len(runes)-most/2:])
}

// cells returns the median in seconds, and where it may be instead.
func (s *spread) cells() (median, noise string) {
	if s == nil {
		return "-", "-"
	}
	median = seconds(s.Median)
	if s.Low == s.High {
		return median, "-"
	}
	return median, seconds(s.Low) + "…" + seconds(s.High)
}

// seconds writes a time in ms in seconds.
func seconds(ms float64) string {
	if ms < 100 {
		return fmt.Sprintf("%.3f", ms/1e3)
	}
	return fmt.Sprintf("%.2f", ms/1e3)
}

func (q *quantiles) cell() string {
	if q == nil {
		return "-"
	}
	return short(q.P50) + " " + short(q.P95) + " " + short(q.P99)
}

// short writes a time in ms, with a decimal or in seconds where that is shorter.
func short(ms float64) string {
	switch {
	case ms >= 99_950:
		return fmt.Sprintf("%.0fs", ms/1e3)
	case ms >= 99.95:
		return fmt.Sprintf("%.0f", ms)
	}
	return fmt.Sprintf("%.1f", ms)
}

func decimal(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case *v >= 99.95:
		return fmt.Sprintf("%.0f", *v)
	}
	return fmt.Sprintf("%.1f", *v)
}

func percent(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case *v > 0 && *v < 0.01:
		return fmt.Sprintf("%.1f%%", *v*100)
	}
	return fmt.Sprintf("%.0f%%", *v*100)
}

// failureCell has the rate of each class, the highest first.
func failureCell(failures map[string]int64, requests int64) string {
	if requests == 0 {
		return "-"
	}
	classes := slices.SortedFunc(maps.Keys(failures), func(x, y string) int {
		return cmp.Or(cmp.Compare(failures[y], failures[x]), cmp.Compare(x, y))
	})
	const most = 3
	list := make([]string, min(len(classes), most))
	for i := range list {
		list[i] = percent(share(failures[classes[i]], requests)) + " " + classes[i]
	}
	if len(classes) > most {
		list = append(list, "…")
	}
	return cmp.Or(strings.Join(list, ", "), "0%")
}

// clean removes line ends and what a terminal acts on: texts come from proxies.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\ufffd'
		}
		return r
	}, s)
}
