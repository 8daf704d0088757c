package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// print writes the report for people.
func (r *report) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(t, r.String()); err != nil {
		return err
	}
	return t.Flush()
}

// String returns the report with tabs between the columns.
func (r *report) String() string {
	t := &strings.Builder{}
	fmt.Fprintf(t, "%s; client and server on core %d, h2trace on core %d; medians of %d rounds (lowest … highest)\n",
		r.Host, r.Cores[0], r.Cores[1], r.Rounds)
	if r.Load > 0.5 {
		// Group scheduling favours a client whose h2trace keeps the other core busy. Such
		// a client got twice the throughput in competition with other load.
		fmt.Fprintf(t, "OTHERS USE THE CORES (load average %.1f before the first run): \"of unobserved\" means nothing,\n"+
			"the rate may not be reached; \"of empty probes\" still compares like with like\n", r.Load)
	}
	for _, part := range r.Throughput {
		part.write(t)
	}
	for _, rate := range r.FixedRates {
		rate.write(t)
	}
	for _, single := range r.Single {
		single.write(t)
	}
	if r.Startup != nil {
		r.Startup.write(t)
	}
	for _, nothing := range r.Nothing {
		nothing.write(t)
	}
	r.table(t)
	if len(r.Faults) == 0 {
		fmt.Fprintln(t, "\nall records accounted for")
	}
	return t.String()
}

func (p *throughputReport) write(w *strings.Builder) {
	fmt.Fprintf(w, "\n%s, %d at a time\trequests/s\tof unobserved\t\tof empty probes\t\tof frames alone\n", p.Title, p.Workers)
	for _, v := range p.Variants {
		fmt.Fprintf(w, "  %s\t%.0f\t%v\t%v\t%v\n", v.Name, v.RequestsPerSecond, v.OfUnobserved, v.OfEmpty, v.OfFrames)
	}
	for _, v := range p.Variants {
		if slices.Contains(costed, v.Name) {
			fmt.Fprintf(w, "  h2trace, %s: %v\n", v.Name, v.Cost)
		}
	}
}

func (p *rateReport) write(w *strings.Builder) {
	pinned := "not pinned"
	if p.Pinned {
		pinned = "pinned"
	}
	fmt.Fprintf(w, "\n%d requests a second for %.1f s, %s, %s: reached %.0f\n", p.Wanted, p.Seconds, pinned, p.Plan, p.Reached)
	if p.Reached < 0.98*float64(p.Wanted) {
		fmt.Fprintf(w, "  THE RATE WAS NOT REACHED: %d requests were late\n", p.Late)
	}
	fmt.Fprintf(w, "  h2trace: %v\n", p.Cost)
}

func (s *startupReport) write(w *strings.Builder) {
	attached := "NEVER ATTACHED"
	if s.AttachedMillis != nil {
		attached = fmt.Sprintf("runs with its probes after %.0f ms", *s.AttachedMillis)
	}
	ended := "NEVER ENDED"
	if s.EndedMillis != nil {
		ended = fmt.Sprintf("h2trace ends %.0f ms after it", *s.EndedMillis)
	}
	fmt.Fprintf(w, "\nstart-up of a binary of %.1f MB, median of %d: %s, prints after %.0f ms, alone after %.0f ms; %s\n",
		float64(s.BinaryBytes)/1e6, s.Runs, attached, s.TracedMillis, s.AloneMillis, ended)
}

// String accepts nil, for runs without values.
func (c *costReport) String() string {
	if c == nil {
		return "NO SUMMARY, COST UNKNOWN"
	}
	return fmt.Sprintf("%.2f ± %.2f µs CPU a frame, %.2f s CPU a GB (less %.0f ms start-up), RSS %.1f MB, %d records, %.1f%% of the bytes captured, %s",
		c.CPUMicrosPerFrame, c.CPUMicrosError, c.CPUSecondsPerGB, c.StartupCPUMillis, float64(c.MaxRSSBytes)/1e6, c.RecordsSeen,
		100*float64(c.BytesCaptured)/float64(max(c.BytesSeen, 1)), lost(c.RecordsLost))
}

func (s *singleReport) write(w *strings.Builder) {
	fmt.Fprintf(w, "\n%s responses over %d connections for %.1f s at full rate, %s: %.0f requests/s, %.0f MB/s\n",
		s.Title, s.Conns, s.Seconds, s.Plan, s.RequestsPerSecond, s.BytesPerSecond/1e6)
	if !s.Summary {
		fmt.Fprintln(w, "  h2trace: NO SUMMARY, LOSSES UNKNOWN")
		return
	}
	fmt.Fprintf(w, "  h2trace: RSS %.1f MB, %d records, %s\n", float64(s.MaxRSSBytes)/1e6, s.RecordsSeen, lost(s.RecordsLost))
}

func (n *nothingReport) write(w *strings.Builder) {
	fmt.Fprintf(w, "\na command that does nothing, %s, median of %d: %.1f ms, of them CPU %.1f ms\n",
		n.Plan, n.Runs, n.WallMillis, n.CPUMillis)
}

// String accepts nil, for a base that did not run.
func (r *ratios) String() string {
	if r == nil {
		return "–\t"
	}
	return fmt.Sprintf("%.3f\t(%.3f … %.3f)", r.Median, slices.Min(r.Rounds), slices.Max(r.Rounds))
}

func lost(records int64) string {
	if records == 0 {
		return "0 lost"
	}
	return fmt.Sprintf("LOST %d RECORDS", records)
}
