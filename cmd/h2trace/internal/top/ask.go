package top

import (
	"fmt"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"h2trace/export/top"
)

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
