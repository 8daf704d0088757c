package top

import (
	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"h2trace/export/top"
)

// content is the table of a view: its head, and a line for each row.
type content struct {
	tview.TableContentReadOnly
	*view
}

// GetRowCount is part of tview.TableContent.
func (c *content) GetRowCount() int { return len(c.rows) + 1 }

// GetColumnCount is part of tview.TableContent.
func (c *content) GetColumnCount() int { return len(c.layout.Columns()) }

// GetCell is part of tview.TableContent.
func (c *content) GetCell(row, column int) *tview.TableCell {
	columns := c.layout.Columns()
	if column >= len(columns) || row > len(c.rows) || row < 0 {
		return nil
	}
	if row == 0 {
		cell := tview.NewTableCell(tview.Escape(c.layout.HeadCell(column))).SetSelectable(false)
		cell.SetStyle(tcell.StyleDefault.Bold(true))
		if columns[column].Name == c.orders[c.kind].Named(c.kind) {
			cell.SetStyle(tcell.StyleDefault.Reverse(true))
		}
		return cell
	}
	r := &c.rows[row-1]
	return tview.NewTableCell(tview.Escape(c.layout.Cell(column, r))).SetStyle(c.style(r, &columns[column]))
}

// style returns how a cell of a row looks.
func (c *content) style(r *top.Row, column *top.Column) tcell.Style {
	style := tcell.StyleDefault
	colour := func(to tcell.Color) tcell.Style {
		if c.screen.opts.Color {
			return style.Foreground(to)
		}
		return style.Bold(true)
	}
	switch mood := column.Mood(r); {
	case mood == top.Bad:
		return colour(tcell.ColorMaroon)
	case mood == top.Odd && r.Ended.IsZero():
		return colour(tcell.ColorOlive)
	}
	if !r.Ended.IsZero() || r.Blind {
		return style.Dim(true)
	}
	return style
}
