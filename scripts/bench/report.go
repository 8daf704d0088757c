package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// report holds all measurements.
type report struct {
	Host       string             `json:"host"`
	Load       float64            `json:"load_average"` // of the minute before
	Cores      [2]int             `json:"cores"`
	Rounds     int                `json:"rounds"`
	Throughput []throughputReport `json:"throughput,omitempty"`
	FixedRate  *rateReport        `json:"fixed_rate,omitempty"`
	Startup    *startupReport     `json:"startup,omitempty"`
	Faults     []string           `json:"faults"`
}

type throughputReport struct {
	Title    string          `json:"title"`
	Workers  int             `json:"workers"`
	Variants []variantReport `json:"variants"`
}

type variantReport struct {
	Name              string      `json:"name"`
	RequestsPerSecond float64     `json:"requests_per_second"`
	OfUnobserved      ratios      `json:"of_unobserved"`
	OfEmpty           ratios      `json:"of_empty"`
	OfFrames          ratios      `json:"of_frames"`
	Cost              *costReport `json:"cost,omitempty"`
}

// ratios holds the throughput of one variant relative to another, round by round.
type ratios struct {
	Median float64   `json:"median"`
	Rounds []float64 `json:"rounds"`
}

func (r ratios) String() string {
	return fmt.Sprintf("%.3f\t(%.3f … %.3f)", r.Median, slices.Min(r.Rounds), slices.Max(r.Rounds))
}

// costReport is what h2trace itself used. Counts are sums over all runs.
type costReport struct {
	Runs              int     `json:"runs"`
	StartupCPUMillis  float64 `json:"startup_cpu_ms"`
	CPUMicrosPerFrame float64 `json:"cpu_us_per_frame"`
	CPUMicrosError    float64 `json:"cpu_us_per_frame_error"`
	CPUSecondsPerGB   float64 `json:"cpu_s_per_gb"`
	Frames            int64   `json:"frames"`
	RecordsSeen       int64   `json:"records_seen"`
	RecordsLost       int64   `json:"records_lost"`
	BytesSeen         int64   `json:"bytes_seen"`
	BytesCaptured     int64   `json:"bytes_captured"`
	MaxRSSBytes       int64   `json:"max_rss_bytes"`
}

type rateReport struct {
	Wanted  int         `json:"wanted"`
	Reached float64     `json:"reached"`
	Late    int         `json:"late"`
	Seconds float64     `json:"seconds"`
	Cost    *costReport `json:"cost"`
}

type startupReport struct {
	BinaryBytes int64 `json:"binary_bytes"`
	Runs        int   `json:"runs"`
	// AttachedMillis is nil if no probe was attached.
	AttachedMillis *float64 `json:"attached_ms"`
	AloneMillis    float64  `json:"alone_ms"`
	TracedMillis   float64  `json:"traced_ms"`
}

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
	if r.FixedRate != nil {
		r.FixedRate.write(t)
	}
	if r.Startup != nil {
		r.Startup.write(t)
	}
	if len(r.Faults) == 0 {
		fmt.Fprintln(t, "\nall records accounted for")
	}
	return t.String()
}

func (p *throughputReport) write(w *strings.Builder) {
	fmt.Fprintf(w, "\n%s responses, %d at a time\trequests/s\tof unobserved\t\tof empty probes\t\tof frames alone\n", p.Title, p.Workers)
	for _, v := range p.Variants {
		fmt.Fprintf(w, "  %s\t%.0f\t%v\t%v\t%v\n", v.Name, v.RequestsPerSecond, v.OfUnobserved, v.OfEmpty, v.OfFrames)
	}
	for _, v := range p.Variants {
		if v.Name == planAuto || v.Name == planEntryRet {
			fmt.Fprintf(w, "  h2trace, %s: %v\n", v.Name, v.Cost)
		}
	}
}

func (p *rateReport) write(w *strings.Builder) {
	fmt.Fprintf(w, "\n%d requests a second for %.1f s, not pinned: reached %.0f\n", p.Wanted, p.Seconds, p.Reached)
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
	fmt.Fprintf(w, "\nstart-up of a binary of %.1f MB, median of %d: %s, prints after %.0f ms, alone after %.0f ms\n",
		float64(s.BinaryBytes)/1e6, s.Runs, attached, s.TracedMillis, s.AloneMillis)
}

// String accepts nil, for runs without values.
func (c *costReport) String() string {
	if c == nil {
		return "NO SUMMARY, COST UNKNOWN"
	}
	s := fmt.Sprintf("%.2f ± %.2f µs CPU a frame, %.2f s CPU a GB (less %.0f ms start-up), RSS %.1f MB, %d records, %.1f%% of the bytes captured, ",
		c.CPUMicrosPerFrame, c.CPUMicrosError, c.CPUSecondsPerGB, c.StartupCPUMillis, float64(c.MaxRSSBytes)/1e6, c.RecordsSeen,
		100*float64(c.BytesCaptured)/float64(max(c.BytesSeen, 1)))
	if c.RecordsLost == 0 {
		return s + "0 lost"
	}
	return s + fmt.Sprintf("LOST %d RECORDS", c.RecordsLost)
}
