package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"h2trace/export/scan"
)

// Groupings are the keys of Builder.GroupBy that are not labels.
var Groupings = []string{byProxy, byKind, byModule, byHost}

const (
	byProxy  = "proxy"
	byKind   = "kind"
	byModule = "module"
	byHost   = "host"
)

// ErrNoLabel says that no run has the label to group by.
var ErrNoLabel = errors.New("no run has the label")

// maxGroups bounds the groups. Requests beyond it are counted.
const maxGroups = 512

// grouping sums up requests by a key.
type grouping struct {
	by     string
	groups byName[group]
	labels map[string]bool // keys that runs have
}

// group is the tally of one group, and of its runs if it is by a label.
type group struct {
	tally
	measures
	walls  distribution
	causes map[Cause]int64
	runs   int64
	spent  time.Duration // in all requests
}

// GroupBy has the Builder group what it reads by one of Groupings, or else by a label. It is
// called before Read.
func (b *Builder) GroupBy(key string) {
	g := &grouping{by: key, groups: newByName[group](maxGroups), labels: make(map[string]bool)}
	b.grouping = g
	switch key {
	case byProxy, byKind, byHost: // the sums have these
	case byModule:
		b.watchers = append(b.watchers, g)
	default:
		b.eachRun(g.run)
	}
}

// watch takes a request for a module.
func (g *grouping) watch(e event, of *run) {
	x, ok := e.(*exchangeEvent)
	if !ok || x.kind == nil {
		return
	}
	if c := of.conns.open[string(x.conn)]; c != nil && c.server {
		return
	}
	path := scan.Text(x.path)
	if path == "" {
		return
	}
	if one := g.groups.get(path); one != nil {
		one.add(x)
		one.spent += x.phases[phaseTotal]
	}
}

// run takes a run, by its label.
func (g *grouping) run(s *single) {
	for key := range s.labels {
		if len(g.labels) < maxRunLabels {
			g.labels[key] = true
		}
	}
	one := g.groups.get(s.labels[g.by])
	if one == nil {
		return
	}
	one.runs++
	one.walls.add(s.wall())
	if one.causes == nil {
		one.causes = make(map[Cause]int64)
	}
	one.causes[newJudge(s.sums).verdict().Cause]++
	one.measures.merge(&s.measures)
	for name, p := range s.tables.proxies.values {
		if name != "" {
			one.tally.merge(&p.tally)
		}
	}
}

// wall returns the wall time of the runs.
func (s *sums) wall() (wall time.Duration) {
	for _, part := range s.parts {
		wall += part
	}
	return wall
}

// Groups has the requests of all runs by one key.
type Groups struct {
	By     string  `json:"group_by"`
	Groups []Group `json:"groups"`
	// LeftOut is the number of runs or requests beyond the bound on groups.
	LeftOut int `json:"left_out"`
	labels  bool
}

// Group is the tally of one group. Its name is empty for runs without the label. Runs, the
// times and the causes are nil if it is not by a label.
type Group struct {
	Name string `json:"group"`
	Tally
	Runs    *int64          `json:"runs"`
	Wall    *Quantiles      `json:"wall_ms"`
	Causes  map[Cause]int64 `json:"causes"`
	DNS     *Quantiles      `json:"dns_ms"`
	Connect *Quantiles      `json:"connect_ms"`
	TLS     *Quantiles      `json:"tls_ms"`
	spent   time.Duration
}

// Groups returns the groups of all lines read so far. It returns ErrNoLabel if no run has
// the label.
func (b *Builder) Groups() (*Groups, error) {
	g := b.grouping
	out := &Groups{By: g.by, Groups: []Group{}, LeftOut: g.groups.leftOut}
	switch t := &b.sums.tables; g.by {
	case byProxy, byHost:
		g.ofProxies(&t.proxies)
		out.LeftOut = t.proxies.leftOut
	case byKind:
		for name, k := range t.kinds.values {
			g.groups.get(name).merge(k)
		}
		out.LeftOut = t.kinds.leftOut
	case byModule:
	default:
		if out.labels = true; !g.labels[g.by] {
			return nil, g.noLabel()
		}
	}
	for name, one := range g.groups.values {
		out.Groups = append(out.Groups, one.report(name, out.labels))
	}
	slices.SortFunc(out.Groups, func(a, b Group) int {
		if out.labels {
			return cmp.Compare(a.Name, b.Name)
		}
		return cmp.Or(cmp.Compare(b.spent, a.spent), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// merge adds the requests of a tally.
func (g *group) merge(t *tally) {
	if g != nil {
		g.tally.merge(t)
	}
}

// ofProxies groups by proxy, or by host.
func (g *grouping) ofProxies(proxies *proxyTable) {
	for name, p := range proxies.values {
		if name == "" {
			continue // requests that began before the observation
		}
		if g.by == byHost {
			name = hostOf(name)
		}
		g.groups.get(name).merge(&p.tally)
	}
}

// hostOf returns the host, and the port if it is given, of a proxy.
func hostOf(proxy string) string {
	u, ok := parseURL(proxy)
	if !ok {
		return proxy
	}
	return u.Host
}

func (g *grouping) noLabel() error {
	if len(g.labels) == 0 {
		return fmt.Errorf("%w %s, or any other; record runs with h2trace --label %s=VALUE -o FILE COMMAND", ErrNoLabel, g.by, g.by)
	}
	return fmt.Errorf("%w %s; there are %s", ErrNoLabel, g.by, strings.Join(slices.Sorted(maps.Keys(g.labels)), ", "))
}

func (g *group) report(name string, ofRuns bool) Group {
	out := Group{Name: name, Tally: g.tally.report(), spent: g.spent}
	if ofRuns {
		out.Runs, out.Wall, out.Causes = &g.runs, quantiles(&g.walls.sketch), g.causes
		out.DNS, out.Connect, out.TLS = quantiles(&g.of[metricDNS].sketch), quantiles(&g.of[metricConnect].sketch), quantiles(&g.of[metricTLS].sketch)
	}
	return out
}

func (g *Groups) table() table {
	head := []string{clean(g.By)}
	if g.labels {
		head = append(head, "runs", "wall p50", "causes")
	}
	head = append(head, tallyHead...)
	if g.labels {
		head = append(head, "dns p50", "connect p50", "tls p50")
	}
	t := table{"By " + clean(g.By) + " (times in ms)", [][]string{head}}
	for i := range g.Groups {
		one := &g.Groups[i]
		row := []string{cmp.Or(clean(one.Name), "-")}
		if g.labels {
			row = append(row, fmt.Sprint(*one.Runs), one.Wall.median(), causeCell(one.Causes))
		}
		row = append(row, one.cells()...)
		if g.labels {
			row = append(row, one.DNS.median(), one.Connect.median(), one.TLS.median())
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// causeCell lists causes, the most frequent first.
func causeCell(causes map[Cause]int64) string {
	names := slices.SortedFunc(maps.Keys(causes), func(a, b Cause) int {
		return cmp.Or(cmp.Compare(causes[b], causes[a]), cmp.Compare(a, b))
	})
	var list []string
	for _, c := range names {
		list = append(list, fmt.Sprintf("%d %s", causes[c], c))
	}
	return strings.Join(list, ", ")
}

// WriteText writes the groups as a table for a terminal.
func (g *Groups) WriteText(w io.Writer) error {
	var b strings.Builder
	appendText(&b, []table{g.table()})
	_, err := io.WriteString(w, strings.TrimPrefix(b.String(), "\n"))
	return err
}

// WriteMarkdown writes the groups as a table in Markdown.
func (g *Groups) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	appendMarkdown(&b, []table{g.table()})
	_, err := io.WriteString(w, strings.TrimPrefix(b.String(), "\n"))
	return err
}

// WriteJSON writes the groups as one JSON object.
func (g *Groups) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(g) }
