package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/rivo/tview"
	"github.com/rivo/uniseg"

	"h2trace/export/top"
)

// headHeight is the title, the totals, and the tabs.
const headHeight = 6

// fillHead writes what is above the table.
func (v *view) fillHead(width int) {
	now := v.at.Format("15:04:05")
	if v.at.IsZero() {
		now = time.Now().Format("15:04:05")
	}
	var b strings.Builder
	right := v.mode() + now
	if lost := v.state.Total.Lost; lost > 0 && width < 80 { // the totals do not fit
		right = "LOST  " + right
	}
	b.WriteString(v.strong(ends("h2trace top  "+v.screen.opts.Of, right, width)) + "\n")
	for _, line := range v.state.Total.Lines() {
		b.WriteString(v.line(&line, width) + "\n")
	}
	b.WriteString(v.tabs())
	v.head.SetText(b.String())
}

// mode says what is not as usual.
func (v *view) mode() string {
	switch {
	case v.paused:
		return "PAUSED  "
	case v.ended != "":
		return "ENDED  "
	}
	return ""
}

// line returns a line of totals. That records are lost is red.
func (v *view) line(l *top.Line, width int) string {
	text := cut(l.Text, width)
	if l.Loss == "" || !strings.Contains(text, l.Loss) {
		return tview.Escape(text)
	}
	before, after, _ := strings.Cut(text, l.Loss)
	colour := "[red::b]"
	if !v.screen.opts.Color {
		colour = "[::r]"
	}
	return tview.Escape(before) + colour + tview.Escape(l.Loss) + "[-:-:-]" + tview.Escape(after)
}

// tabs returns the names of the views, and what they are of.
func (v *view) tabs() string {
	var b strings.Builder
	for i, name := range top.Views {
		label := fmt.Sprintf(" %d %s ", i+1, name)
		if top.View(i) == v.kind {
			label = "[::r]" + label + "[::-]"
		}
		b.WriteString(label)
	}
	if v.within.name != "" {
		b.WriteString("  of " + tview.Escape(v.within.name))
	}
	if v.filter != "" {
		b.WriteString("  with " + tview.Escape(fmt.Sprintf("%q", v.filter)))
	}
	return b.String()
}

func (v *view) strong(s string) string { return "[::b]" + tview.Escape(s) + "[::-]" }

// fillStatus writes what is below the table.
func (v *view) fillStatus(width int) {
	say := v.said
	switch {
	case say != "":
	case v.ended != "":
		say = v.ended + "; q leaves"
	case v.screen.opts.Notices.last() != "":
		say = v.screen.opts.Notices.last()
	}
	v.status.SetText(tview.Escape(cut(say, width)))
	v.keys.SetText(keyBar(width))
}

// keyBar returns the most used keys, as many as fit.
func keyBar(width int) string {
	var b strings.Builder
	for _, k := range bar {
		text := k.key + k.does + " "
		if width -= uniseg.StringWidth(text); width < 0 {
			break
		}
		b.WriteString(k.key + "[::r]" + k.does + "[::-] ")
	}
	return b.String()
}

// cut returns the start of a text, of so many columns.
func cut(s string, width int) string {
	if uniseg.StringWidth(s) <= width {
		return s
	}
	return top.Cut(s, width-1) + "…"
}

// ends puts one text at the begin of a line, and one at its end.
func ends(left, right string, width int) string {
	room := width - uniseg.StringWidth(right) - 1
	left = cut(left, max(room, 1))
	return left + strings.Repeat(" ", max(1, room+1-uniseg.StringWidth(left))) + right
}
