package top

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"h2trace/export/top"
)

// TestColors has cells that stand out, with colours and without.
func TestColors(t *testing.T) {
	show, v := drawn(t, 200, 24,
		`"event":"request","pid":7,"comm":"go","conn":"c1","stream":1,"method":"GET","url":"/open"}`,
		`"event":"frame","pid":7,"comm":"go","conn":"c1","dir":"recv","stream":1,"length":1,"window":{"stream_send":9,"stream_recv":0}}`,
		`"event":"request","pid":7,"comm":"go","conn":"c1","stream":3,"method":"GET","url":"/failed"}`,
		`"event":"exchange","pid":7,"comm":"go","conn":"c1","stream":3,"status":null,"error":{"class":"reset"}}`,
		`"event":"loss","records":2,"conn":"c1"}`)
	show() // lays out
	plain := tcell.StyleDefault
	tests := []struct {
		row             int
		column          string
		colour, without tcell.Style
	}{
		{1, "R-WIN", plain.Foreground(tcell.ColorOlive), plain.Bold(true)},
		{1, "S-WIN", plain, plain},
		{1, "STATE", plain, plain},
		{2, "STATE", plain.Foreground(tcell.ColorMaroon), plain.Bold(true)},
		{2, "TIME", plain.Dim(true), plain.Dim(true)},
	}
	c := &content{view: v}
	for _, tt := range tests {
		i := slices.IndexFunc(v.layout.Columns(), func(c top.Column) bool { return c.Name == tt.column })
		for color, want := range map[bool]tcell.Style{true: tt.colour, false: tt.without} {
			v.screen.opts.Color = color
			if got := c.GetCell(tt.row, i).Style; got != want {
				t.Errorf("row %d, %s, colours %v: got %+v, want %+v", tt.row, tt.column, color, got, want)
			}
		}
	}
	for color, want := range map[bool]string{true: "[red::b]LOST      2 records[-", false: "[::r]LOST      2 records[-"} {
		v.screen.opts.Color = color
		v.fillHead(80)
		if got := v.head.GetText(false); !strings.Contains(got, want) {
			t.Errorf("colours %v: no %q in %q", color, want, got)
		}
	}
}

// TestLingers shows what has ended for a while, and all of it when the observation is over.
func TestLingers(t *testing.T) {
	show, v := drawn(t, 80, 24, `"event":"exchange","pid":7,"comm":"go","conn":"c1","stream":1,"method":"GET","url":"/ended","status":200}`)
	began := v.at
	for _, tt := range []struct {
		after time.Duration
		shown bool
	}{{lingers, true}, {lingers + time.Second, false}} {
		v.take(began.Add(tt.after))
		if shown := strings.Contains(show(), "/ended"); shown != tt.shown {
			t.Errorf("after %v: shown %v", tt.after, shown)
		}
	}
	v.over("all targets have exited")
	if got := show(); !strings.Contains(got, "/ended") || !strings.Contains(got, "all targets have exited; q leaves") {
		t.Errorf("at the end:\n%s", got)
	}
}

// left counts how often a screen is left.
type left struct {
	tcell.Screen
	times int
}

func (l *left) Fini() { l.times++ }

// TestProtect leaves the screen with a panic, and only with one.
func TestProtect(t *testing.T) {
	l := &left{}
	s := &Screen{tty: &tty{screen: l}}
	panics := func(s *Screen) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		s.Protect(func() { panic("by hand") })
	}
	panics(s)
	panics(nil)
	s.shown.Store(true)
	s.Protect(func() {})
	if l.times != 0 {
		t.Errorf("left %d times without a reason", l.times)
	}
	panics(s)
	if l.times != 1 {
		t.Errorf("left %d times, want once", l.times)
	}
}
