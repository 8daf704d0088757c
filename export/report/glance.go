package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Add takes one line of events. A run ends with its summary.
func (b *Builder) Add(line []byte) { b.line(line) }

// AddShown is Add for a line that was printed with its secrets.
func (b *Builder) AddShown(line []byte) { b.line(b.secrets.hide(line)) }

// Observed reports whether a process or a connection was observed.
func (b *Builder) Observed() bool {
	s := b.sums
	return s.tools.found > 0 || s.traffic.asked+s.traffic.connections+s.served.all.requests > 0
}

// glanced is the largest number of lines of evidence in Glance.
const glanced = 5

// Glance returns the report in a few lines: the verdict, its evidence, where the time went,
// and what could not be seen. All but the first are indented.
func (r *Report) Glance() []string {
	list := []string{r.headline()}
	evidence := r.Verdict.Evidence
	for _, e := range evidence[:min(len(evidence), glanced)] {
		list = append(list, "  "+clean(e))
	}
	if n := len(evidence) - glanced; n > 0 {
		list = append(list, fmt.Sprintf("  %d more lines are in the report", n))
	}
	if spent := r.spent(); spent != "" {
		list = append(list, "  "+spent)
	}
	if unseen := r.Opaque.sentence(); unseen != "" {
		list = append(list, "  "+unseen)
	}
	return list
}

// spent says where the wall time went, the largest part first. Parts below 1 % are left out.
func (r *Report) spent() string {
	wall := r.Wall - r.Time.Idle
	phases := slices.DeleteFunc(r.Time.phases(), func(p phase) bool { return p.name == "idle" || p.ms*100 < wall })
	if wall <= 0 || len(phases) == 0 {
		return ""
	}
	slices.SortStableFunc(phases, func(a, b phase) int { return cmp.Compare(b.ms, a.ms) })
	var parts []string
	for _, p := range phases {
		parts = append(parts, fmt.Sprintf("%s %.0f %%", p.name, float64(p.ms)/float64(wall)*100))
	}
	return "of " + human(wall.duration()) + ": " + strings.Join(parts, ", ")
}

// phase is a part of the critical path.
type phase struct {
	name string
	ms   Millis
}

// phases returns the parts of the critical path, in the order of tables.
func (t *Time) phases() []phase {
	return []phase{
		{"git and alike", t.VCS},
		{"dns", t.DNS},
		{"connect", t.Connect},
		{"tls", t.TLS},
		{"send", t.Send},
		{"wait", t.Wait},
		{"receive", t.Receive},
		{"stalled", t.Stall},
		{"process itself", t.Other},
		{"idle", t.Idle},
	}
}

// sentence says what was not seen, "" if nothing.
func (o *Opaque) sentence() string {
	var list []string
	if o.Conns > 0 {
		list = append(list, fmt.Sprintf("what %s carried (%s)", several(o.Conns, "connection", "connections"), o.Reason))
	}
	if o.Counted > 0 {
		list = append(list, fmt.Sprintf("%s that only were counted, in a flood", several(o.Counted, "frame", "frames")))
	}
	if len(list) == 0 {
		return ""
	}
	return clean("not seen: " + strings.Join(list, "; "))
}
