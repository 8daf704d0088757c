package top

import (
	"slices"
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"h2trace/export/top"
)

// view is what the screen shows. All of it belongs to the goroutine that draws.
type view struct {
	screen *Screen
	table  *tview.Table
	head   *tview.TextView // title and totals
	status *tview.TextView // what there is to say
	keys   *tview.TextView
	input  *tview.InputField
	pages  *tview.Pages
	body   *tview.Flex

	kind   top.View
	orders [len(top.Views)]top.Order
	within scope
	trail  []place // where into came from
	filter string
	paused bool
	ended  string // how the observation ended, "" if it goes on
	said   string // by the view itself, until the next key

	state  *top.State
	at     time.Time
	rows   []top.Row
	layout *top.Table
	width  int
	chosen string // Key of the row that was selected, "" for the first one
	own    bool   // the view itself selects
}

// scope is the process or connection whose rows are shown; "" is of all.
type scope struct{ process, conn, name string }

// place is what was shown before.
type place struct {
	kind   top.View
	within scope
}

// lingers is how long a row is shown after its end.
const lingers = 10 * time.Second

func newView(s *Screen) *view {
	v := &view{screen: s, kind: s.opts.View, state: &top.State{}, layout: s.opts.View.Layout(80)}
	v.orders[v.kind] = s.opts.Order
	plain := tcell.StyleDefault
	text := func() *tview.TextView {
		t := tview.NewTextView().SetDynamicColors(true).SetWrap(false)
		t.SetTextStyle(plain).SetBackgroundColor(tcell.ColorDefault)
		return t
	}
	v.head, v.status, v.keys = text(), text(), text()
	v.table = tview.NewTable().SetFixed(1, 0).SetSelectable(true, false).SetContent(&content{view: v})
	v.table.SetSelectedStyle(plain.Reverse(true)).SetBordersColor(tcell.ColorDefault).SetBackgroundColor(tcell.ColorDefault)
	v.table.SetSelectionChangedFunc(func(row, _ int) { v.choose(row) })
	v.input = tview.NewInputField().SetFieldStyle(plain).SetLabelStyle(plain.Bold(true))
	v.input.SetBackgroundColor(tcell.ColorDefault)
	v.body = tview.NewFlex().SetDirection(tview.FlexRow).
		AddItem(v.head, headHeight, 0, false).AddItem(v.table, 0, 1, true).
		AddItem(v.status, 1, 0, false).AddItem(v.keys, 1, 0, false)
	v.pages = tview.NewPages().AddPage("main", v.body, true, true)
	s.app.SetRoot(v.pages, true).SetInputCapture(v.key).SetBeforeDrawFunc(v.before)
	return v
}

// before lays out again what the size of the terminal changes.
func (v *view) before(screen tcell.Screen) bool {
	width, height := screen.Size()
	if width != v.width {
		v.width = width
		v.arrange()
	}
	v.fillHead(width)
	v.fillStatus(width)
	v.body.ResizeItem(v.head, min(headHeight, max(height-3, 0)), 0)
	return false
}

// refresh takes the state of the model at a time, unless it is paused.
func (v *view) refresh(now time.Time) {
	if v.paused {
		return
	}
	v.take(now)
}

// take shows the state at a time.
func (v *view) take(now time.Time) {
	v.at = now
	v.state = v.screen.model.State(now, v.kind)
	v.arrange()
}

// over says how the observation ended.
func (v *view) over(how string) {
	v.ended, v.paused = top.Safe(how), false
	v.refresh(time.Now())
}

// arrange selects and sorts the rows.
func (v *view) arrange() {
	v.layout = v.kind.Layout(max(v.width, 20))
	v.rows = slices.DeleteFunc(slices.Clone(v.state.Rows), func(r top.Row) bool { return !v.shows(&r) })
	v.orders[v.kind].Sort(v.kind, v.rows)
	at := slices.IndexFunc(v.rows, func(r top.Row) bool { return r.Key == v.chosen })
	if at < 0 {
		row, _ := v.table.GetSelection()
		at = min(max(row-1, 0), len(v.rows)-1)
	}
	if v.chosen == "" {
		at = 0
	}
	v.own = true
	v.table.Select(at+1, 0)
	v.own = false
}

// shows reports whether a row is one to show.
func (v *view) shows(r *top.Row) bool {
	if !r.Ended.IsZero() && v.ended == "" && v.at.Sub(r.Ended) > lingers {
		return false
	}
	if v.within.process != "" && r.Process != v.within.process || v.within.conn != "" && r.Conn != v.within.conn {
		return false
	}
	return v.filter == "" || matches(r, v.filter)
}

// matches reports whether a row has a text in it, whatever its case.
func matches(r *top.Row, text string) bool {
	return r.Has(strings.ToLower(text))
}

// choose notes which row the user selects: that stays selected wherever it is sorted to. The
// first one stays the first one.
func (v *view) choose(row int) {
	switch i := row - 1; {
	case v.own:
	case i <= 0:
		v.chosen = ""
	case i < len(v.rows):
		v.chosen = v.rows[i].Key
	}
}

// selected returns the row that is selected, or nil.
func (v *view) selected() *top.Row {
	row, _ := v.table.GetSelection()
	if i := row - 1; i >= 0 && i < len(v.rows) {
		return &v.rows[i]
	}
	return nil
}
