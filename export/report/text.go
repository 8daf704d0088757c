package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// table has rows of cells under a title. The first row is the head.
type table struct {
	title string
	rows  [][]string
}

// WriteText writes the report as tables for a terminal.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	b.WriteString(r.headline() + "\n")
	for _, e := range r.Verdict.Evidence {
		b.WriteString("  " + clean(e) + "\n")
	}
	b.WriteString("  " + r.Verdict.Cause.more() + " says more\n")
	appendText(&b, r.tables())
	_, err := io.WriteString(w, b.String())
	return err
}

// appendText appends tables for a terminal, each after an empty line.
func appendText(b *strings.Builder, tables []table) {
	for _, t := range tables {
		fmt.Fprintf(b, "\n%s\n", t.title)
		tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
		for _, row := range t.rows {
			for len(row) > 1 && row[len(row)-1] == "" { // no trailing space
				row = row[:len(row)-1]
			}
			_, _ = io.WriteString(tw, "  "+strings.Join(row, "\t")+"\n") // to memory
		}
		_ = tw.Flush() // to memory
	}
}

// WriteMarkdown writes the report as Markdown.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("**" + escape(r.headline()) + "**\n\n")
	for _, e := range r.Verdict.Evidence {
		b.WriteString("* " + escape(clean(e)) + "\n")
	}
	b.WriteString("* `" + r.Verdict.Cause.more() + "` says more\n")
	appendMarkdown(&b, r.tables())
	_, err := io.WriteString(w, b.String())
	return err
}

// appendMarkdown appends tables in Markdown, each after an empty line.
func appendMarkdown(b *strings.Builder, tables []table) {
	for _, t := range tables {
		fmt.Fprintf(b, "\n## %s\n\n", escape(t.title))
		for i, row := range t.rows {
			for j := range row {
				row[j] = escape(row[j])
			}
			b.WriteString("| " + strings.Join(row, " | ") + " |\n")
			if i == 0 {
				b.WriteString("|" + strings.Repeat(" --- |", len(row)) + "\n")
			}
		}
	}
}

func (r *Report) headline() string {
	return clean(fmt.Sprintf("%s: %s", r.Verdict.Cause, r.Verdict.Text))
}

var escaper = strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`, "<", "&lt;", "`", "\\`")

func escape(s string) string { return escaper.Replace(s) }

// clean removes line ends and characters that a terminal acts on: cells contain texts of
// proxies.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\ufffd'
		}
		return r
	}, s)
}

func (r *Report) tables() []table {
	list := []table{r.timeTable()}
	proxies := slices.DeleteFunc(slices.Clone(r.Proxies), func(p Proxy) bool { return !p.asProxy() })
	servers := slices.DeleteFunc(slices.Clone(r.Proxies), func(p Proxy) bool { return p.asProxy() })
	if len(proxies) > 0 {
		list = append(list, peerTable("Proxies", "proxy", proxies))
	}
	if len(servers) > 0 {
		list = append(list, peerTable("Servers", "server", servers))
	}
	if len(r.Clients) > 0 {
		list = append(list, r.clientTable())
	}
	if len(r.GoSpans) > 0 {
		list = append(list, r.spanTable())
	}
	if len(r.Served) > 0 {
		list = append(list, r.servedTable())
	}
	if len(r.HTTPProxies) > 0 {
		list = append(list, r.httpProxyTable())
	}
	if len(r.Fallbacks) > 0 {
		list = append(list, r.fallbackTable())
	}
	if len(r.Direct) > 0 {
		list = append(list, r.directTable())
	}
	if len(r.Kinds) > 0 {
		list = append(list, r.kindTable())
	}
	if len(r.Modules) > 0 {
		list = append(list, r.moduleTable())
	}
	if len(r.Programs) > 0 {
		list = append(list, r.programTable())
	}
	if r.Windows.known() {
		list = append(list, r.windowTable())
	}
	return list
}

func (r *Report) timeTable() table {
	if r.Logs != nil && !r.Wall.known() {
		return r.Logs.timeTable()
	}
	t := table{"Where the time went: " + r.clocked(), [][]string{{"phase", "ms", "share"}}}
	for _, p := range append(r.Time.phases(), phase{"wall time", r.Wall}) {
		if p.ms == 0 && (p.name == "git and alike" || p.name == "idle") {
			continue // for runs of another kind
		}
		// Shares do not count idle time.
		share := fmt.Sprintf("%.0f %%", float64(p.ms)/max(float64(r.Wall-r.Time.Idle), 1e-9)*100)
		if r.Time.Idle > 0 && (p.name == "idle" || p.name == "wall time") {
			share = "-"
		}
		t.rows = append(t.rows, []string{p.name, number(p.ms), share})
		if o := r.Own; o != nil && p.name == "process itself" {
			t.rows = append(t.rows,
				[]string{"- CPU, at most", number(o.CPU)},
				[]string{"- locks, at most", number(o.Lock)},
				[]string{"- unknown, at least", number(o.Unknown)})
		}
	}
	return t
}

func number(m Millis) string {
	if !m.known() {
		return "-"
	}
	return fmt.Sprintf("%.1f", float64(m))
}

// three returns the quantiles as cells.
func (q *Quantiles) three() []string {
	if q == nil {
		return []string{"-", "-", "-"}
	}
	return []string{number(q.P50), number(q.P95), number(q.P99)}
}

func (q *Quantiles) median() string { return q.three()[0] }

// cells returns the cells that proxies and kinds have in common.
func (t *Tally) cells() []string {
	rate := "-"
	if t.Rate != nil {
		rate = fmt.Sprintf("%.2f", float64(*t.Rate))
	}
	cells := []string{fmt.Sprint(t.Requests), failureCell(t.Failures)}
	cells = append(append(cells, t.Wait.three()...), t.Total.three()...)
	return append(cells, t.Bytes.megabytes(), rate, fmt.Sprint(t.Redirects), fmt.Sprint(t.NotModified))
}

// failureCell lists failures by class.
func failureCell(failures map[string]int64) string {
	var list []string
	for _, class := range slices.Sorted(maps.Keys(failures)) {
		list = append(list, fmt.Sprintf("%d %s", failures[class], clean(class)))
	}
	if list == nil {
		return "0"
	}
	return strings.Join(list, ", ")
}

var tallyHead = []string{"requests", "failed", "wait p50", "p95", "p99", "total p50", "p95", "p99", "MB", "MB/s", "redirects", "304"}

// name returns the name of the proxy, with the HTTP proxies before it.
func (p *Proxy) name() string {
	if len(p.Via) == 0 {
		return p.Proxy
	}
	return p.Proxy + " through " + strings.Join(p.Via, ", ")
}

// asProxy reports whether it was asked for modules, or was not reached for that.
func (p *Proxy) asProxy() bool { return p.modules > 0 }

func peerTable(title, head string, list []Proxy) table {
	t := table{title + " (times in ms)", [][]string{
		slices.Concat([]string{head}, tallyHead, []string{"conns", "reused", "tls p50", "rtt p50", "retransmits"}),
	}}
	for i := range list {
		p := &list[i]
		t.rows = append(t.rows, slices.Concat([]string{clean(p.name())}, p.cells(), []string{
			fmt.Sprint(p.Conns), fmt.Sprint(p.Reused), p.TLS.median(), p.RTT.median(), fmt.Sprint(p.Retransmits),
		}))
	}
	return t
}

func (r *Report) clientTable() table {
	t := table{"Clients (times in ms)", [][]string{slices.Concat([]string{"client"}, tallyHead, []string{"conns"})}}
	for i := range r.Clients {
		c := &r.Clients[i]
		t.rows = append(t.rows, slices.Concat([]string{clean(c.Client)}, c.cells(), []string{fmt.Sprint(c.Conns)}))
	}
	return t
}

func (r *Report) programTable() table {
	t := table{"Programs that ran", [][]string{{"program", "runs", "failed", "total ms", "longest ms", "cpu ms"}}}
	for _, p := range r.Programs {
		t.rows = append(t.rows, []string{clean(p.Program), fmt.Sprint(p.Runs), fmt.Sprint(p.Failed), number(p.Total), number(p.Longest), number(p.CPU)})
	}
	return t
}

func (r *Report) directTable() table {
	t := table{"Fetched without a proxy", [][]string{{"command", "runs", "failed", "total ms", "longest ms"}}}
	for _, d := range r.Direct {
		t.rows = append(t.rows, []string{clean(d.Command), fmt.Sprint(d.Runs), fmt.Sprint(d.Failed), number(d.Total), number(d.Longest)})
	}
	return t
}

func (r *Report) kindTable() table {
	t := table{"Kinds of requests (times in ms)", [][]string{slices.Concat([]string{"kind"}, tallyHead)}}
	for i := range r.Kinds {
		t.rows = append(t.rows, slices.Concat([]string{clean(r.Kinds[i].Kind)}, r.Kinds[i].cells()))
	}
	return t
}

func (r *Report) moduleTable() table {
	t := table{"Slowest modules", [][]string{{"module", "version", "requests", "failed", "MB", "total ms", "longest ms", "stalled ms"}}}
	for _, m := range r.Modules {
		t.rows = append(t.rows, []string{
			clean(m.Path), clean(m.Version), fmt.Sprint(m.Requests), fmt.Sprint(m.Failures),
			m.Bytes.megabytes(), m.total(), m.longest(), number(m.Stalled),
		})
	}
	return t
}

// known reports whether a window or a stall was seen.
func (w *Windows) known() bool {
	for _, v := range w.Least {
		if v != nil {
			return true
		}
	}
	return len(w.Stalls) > 0
}

func (r *Report) windowTable() table {
	t := table{"Windows", [][]string{{"window", "least credit", "stalls", "stalled ms", "largest window", "granted too little by"}}}
	for _, key := range windowKeys {
		least := "-"
		if v := r.Windows.Least[key]; v != nil {
			least = fmt.Sprint(*v)
		}
		t.rows = append(t.rows, []string{key, least, "", "", "", ""})
	}
	for _, s := range r.Windows.Stalls {
		t.rows = append(t.rows, []string{s.Side, "", fmt.Sprint(s.Count), number(s.Total), fmt.Sprint(s.Window), s.By})
	}
	return t
}
