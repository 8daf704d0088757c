package top

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"h2trace/export/top"
)

// bar are the keys that are always shown.
var bar = []struct{ key, does string }{
	{"F1", "Help"}, {"F3", "Search"}, {"F4", "Filter"}, {"F6", "Sort"}, {"Tab", "View"}, {"Enter", "Into"}, {"Esc", "Back"}, {"Space", "Pause"}, {"F10", "Quit"},
}

// The pages besides the main one.
const (
	pageHelp = "help"
	pageSort = "sort"
)

// key takes a key, and returns those that the table takes.
func (v *view) key(e *tcell.EventKey) *tcell.EventKey {
	v.said = ""
	switch {
	case e.Key() == tcell.KeyCtrlC:
		signalGroup(syscall.SIGINT)
		v.screen.app.Stop()
		return nil
	case e.Key() == tcell.KeyCtrlZ:
		v.screen.app.Suspend(stop)
		return nil
	case e.Key() == tcell.KeyCtrlL:
		v.screen.app.Sync()
		return nil
	case v.input.HasFocus():
		return e
	}
	if name, _ := v.pages.GetFrontPage(); name != "main" {
		return v.keyOfPage(name, e)
	}
	if do := commands[e.Key()]; do != nil {
		do(v)
		return nil
	}
	if e.Key() == tcell.KeyRune {
		if do := letters[e.Rune()]; do != nil {
			do(v)
		}
		return nil
	}
	return e
}

// keyOfPage takes a key while help or the choice of a column is shown.
func (v *view) keyOfPage(name string, e *tcell.EventKey) *tcell.EventKey {
	leaves := e.Key() == tcell.KeyEscape || e.Key() == tcell.KeyF10 || e.Rune() == 'q'
	if name == pageHelp && e.Key() != tcell.KeyUp && e.Key() != tcell.KeyDown && e.Key() != tcell.KeyPgDn && e.Key() != tcell.KeyPgUp {
		leaves = true // any key does, in htop, too
	}
	if leaves {
		v.close(name)
		return nil
	}
	return e
}

func (v *view) close(page string) {
	v.pages.RemovePage(page)
	v.screen.app.SetFocus(v.table)
}

// commands are what keys without a letter do.
var commands map[tcell.Key]func(*view)

// letters are what letters do.
var letters map[rune]func(*view)

func init() {
	commands = map[tcell.Key]func(*view){
		tcell.KeyF1: (*view).help, tcell.KeyF3: (*view).search, tcell.KeyF4: (*view).ask,
		tcell.KeyF6: (*view).chooseColumn, tcell.KeyF10: (*view).leave, tcell.KeyEscape: (*view).back,
		tcell.KeyEnter: (*view).into, tcell.KeyTab: func(v *view) { v.turn(1) }, tcell.KeyBacktab: func(v *view) { v.turn(-1) },
		tcell.KeyLeft: func(v *view) { v.shift(-1) }, tcell.KeyRight: func(v *view) { v.shift(1) },
		tcell.KeyBackspace: (*view).back, tcell.KeyBackspace2: (*view).back,
	}
	letters = map[rune]func(*view){
		'q': (*view).leave, '?': (*view).help, 'h': (*view).help, '/': (*view).search, 'n': (*view).again, '\\': (*view).ask,
		's': (*view).chooseColumn, '>': (*view).chooseColumn, '.': (*view).chooseColumn, 'I': (*view).invert, 'i': (*view).invert,
		' ': (*view).pause, 'j': func(v *view) { v.move(1) }, 'k': func(v *view) { v.move(-1) },
		'g': func(v *view) { v.move(-len(v.rows)) }, 'G': func(v *view) { v.move(len(v.rows)) },
		'1': func(v *view) { v.show(top.Processes, scope{}) }, '2': func(v *view) { v.show(top.Connections, scope{}) },
		'3': func(v *view) { v.show(top.Requests, scope{}) },
		'P': sorts("REQ/s"), 'R': sorts("RECV/s"), 'S': sorts("SEND/s"), 'T': sorts("TIME"), 'O': sorts("OPEN"),
		'W': sorts("R-WIN"), 'F': sorts("FAIL"), 'N': sorts("PID"), 'L': sorts("LOST"),
	}
}

func (v *view) leave() { v.screen.app.Stop() }

func (v *view) pause() { v.paused = !v.paused && v.ended == "" }

func (v *view) invert() {
	v.orders[v.kind].Inverse = !v.orders[v.kind].Inverse
	v.arrange()
}

func (v *view) move(by int) {
	row, _ := v.table.GetSelection()
	v.table.Select(min(max(row+by, 1), max(len(v.rows), 1)), 0)
}

// sorts returns what sorts by a column.
func sorts(column string) func(*view) {
	return func(v *view) { v.sortBy(column) }
}

// sortBy sorts by a column; the same one again, the other way round.
func (v *view) sortBy(column string) {
	name, err := v.kind.ParseColumn(column)
	if err != nil {
		v.said = fmt.Sprintf("%s have no column %s", top.Views[v.kind], column)
		return
	}
	o := &v.orders[v.kind]
	if o.Named(v.kind) == name {
		o.Inverse = !o.Inverse
	} else {
		*o = top.Order{Column: name}
	}
	v.arrange()
}

// shift sorts by the column beside.
func (v *view) shift(by int) {
	columns := v.layout.Columns()
	at := slices.IndexFunc(columns, func(c top.Column) bool { return c.Name == v.orders[v.kind].Named(v.kind) })
	v.orders[v.kind] = top.Order{Column: columns[(max(at, 0)+by+len(columns))%len(columns)].Name}
	v.arrange()
}

func (v *view) turn(by int) {
	n := len(top.Views)
	v.show(top.View((int(v.kind)+by+n)%n), v.within)
}

// show changes what the rows are.
func (v *view) show(kind top.View, within scope) {
	v.kind, v.within, v.chosen = kind, within, ""
	if kind == top.Processes {
		v.within = scope{}
	}
	v.table.Select(1, 0).ScrollToBeginning()
	v.take(time.Now())
}

// into shows the connections of a process, or the requests of a connection.
func (v *view) into() {
	r := v.selected()
	switch {
	case r == nil:
	case v.kind == top.Processes:
		v.show(top.Connections, scope{process: r.Process, name: fmt.Sprintf("%s (%d)", r.Command, r.PID)})
	case v.kind == top.Connections:
		v.show(top.Requests, scope{process: r.Process, conn: r.Conn, name: strings.TrimSpace(r.Conn + " " + r.Peer)})
	}
}

// back undoes the last of into and filter.
func (v *view) back() {
	switch {
	case v.filter != "":
		v.filter = ""
		v.arrange()
	case v.within.conn != "":
		v.show(top.Connections, scope{process: v.within.process})
	case v.within.process != "":
		v.show(top.Processes, scope{})
	}
}

// prompt asks for a text in place of the keys.
func (v *view) prompt(label, text string, changed func(string), done func(ok bool)) {
	v.input.SetLabel(label).SetText(text).SetChangedFunc(changed)
	v.input.SetDoneFunc(func(key tcell.Key) {
		v.input.SetChangedFunc(nil)
		v.body.RemoveItem(v.input).AddItem(v.keys, 1, 0, false)
		v.screen.app.SetFocus(v.table)
		done(key == tcell.KeyEnter || key == tcell.KeyF4 || key == tcell.KeyF3)
	})
	v.body.RemoveItem(v.keys).AddItem(v.input, 1, 0, true)
	v.screen.app.SetFocus(v.input)
}

// ask asks which rows to show.
func (v *view) ask() {
	before := v.filter
	v.prompt("Filter: ", v.filter, func(text string) {
		v.filter = text
		v.arrange()
	}, func(ok bool) {
		if !ok {
			v.filter = before
		}
		v.arrange()
	})
}

// search selects the next row with a text.
func (v *view) search() {
	v.prompt("Search: ", "", func(text string) { v.find(text, 0) }, func(bool) {})
}

// again selects the next row with the text that was searched for last.
func (v *view) again() {
	if text := v.input.GetText(); text != "" {
		v.find(text, 1)
	}
}

func (v *view) find(text string, from int) {
	row, _ := v.table.GetSelection()
	for i := range v.rows {
		at := (row - 1 + from + i + len(v.rows)) % len(v.rows)
		if matches(&v.rows[at], text) {
			v.table.Select(at+1, 0)
			return
		}
	}
	v.said = fmt.Sprintf("no %q", text)
}

// chooseColumn asks for the column to sort by.
func (v *view) chooseColumn() {
	list := tview.NewList().ShowSecondaryText(false)
	list.SetMainTextStyle(tcell.StyleDefault).SetSelectedStyle(tcell.StyleDefault.Reverse(true)).SetBackgroundColor(tcell.ColorDefault)
	list.SetBorder(true).SetTitle(" Sort by ")
	columns := v.kind.Columns()
	for _, c := range columns {
		list.AddItem(fmt.Sprintf("%-8s %s", c.Name, tview.Escape(c.Help)), "", 0, nil)
		if c.Name == v.orders[v.kind].Named(v.kind) {
			list.SetCurrentItem(list.GetItemCount() - 1)
		}
	}
	list.SetSelectedFunc(func(i int, _, _ string, _ rune) {
		v.close(pageSort)
		v.orders[v.kind] = top.Order{Column: columns[i].Name}
		v.arrange()
	})
	v.pages.AddPage(pageSort, list, true, true)
	v.screen.app.SetFocus(list)
}
