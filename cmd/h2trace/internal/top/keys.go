package top

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gdamore/tcell/v2"

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
		'1': all(top.Processes), '2': all(top.Connections),
		'3': all(top.Requests),
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

// all returns what shows all rows of a view.
func all(kind top.View) func(*view) {
	return func(v *view) {
		v.trail = nil
		v.show(kind, scope{})
	}
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
		v.trail = append(v.trail, place{v.kind, v.within})
		v.show(top.Connections, scope{process: r.Process, name: fmt.Sprintf("%s (%d)", r.Command, r.PID)})
	case v.kind == top.Connections:
		v.trail = append(v.trail, place{v.kind, v.within})
		v.show(top.Requests, scope{process: r.Process, conn: r.Conn, name: strings.TrimSpace(r.Conn + " " + r.Peer)})
	}
}

// back undoes the last of into and filter.
func (v *view) back() {
	switch {
	case v.filter != "":
		v.filter = ""
		v.arrange()
	case len(v.trail) > 0:
		last := v.trail[len(v.trail)-1]
		v.trail = v.trail[:len(v.trail)-1]
		v.show(last.kind, last.within)
	}
}
