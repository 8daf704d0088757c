package top

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// Table lays out rows as lines of text.
type Table struct {
	columns []Column
	widths  []int
	plain   bool // for scripts
}

// leastLast is how much room the last column of a view has before other ones.
var leastLast = [...]int{Processes: 14, Connections: 16, Requests: 30}

// Layout returns the Table of a view in so many columns of a screen; 0 is for as many as it
// takes.
func (v View) Layout(width int) *Table {
	t := &Table{columns: slices.Clone(v.Columns()), plain: width == 0}
	if width > 0 {
		for rank := 3; rank > 0 && t.room(width) < leastLast[v]; rank-- {
			for i := len(t.columns) - 1; i >= 0 && t.room(width) < leastLast[v]; i-- {
				if t.columns[i].rank == rank {
					t.columns = slices.Delete(t.columns, i, i+1)
				}
			}
		}
	}
	for _, c := range t.columns {
		t.widths = append(t.widths, c.width)
	}
	if width > 0 {
		t.widths[len(t.widths)-1] = max(t.room(width), 1)
	}
	return t
}

// room returns what is left for the last column.
func (t *Table) room(width int) int {
	for _, c := range t.columns {
		if c.width > 0 {
			width -= c.width + 1
		}
	}
	return width
}

// Columns returns the columns that fit.
func (t *Table) Columns() []Column { return t.columns }

// Head returns the cells with the names of the columns.
func (t *Table) Head() []string {
	list := make([]string, len(t.columns))
	for i := range list {
		list[i] = t.HeadCell(i)
	}
	return list
}

// Cells returns the cells of a row, which are as wide as the columns.
func (t *Table) Cells(r *Row) []string {
	list := make([]string, len(t.columns))
	for i := range list {
		list[i] = t.Cell(i, r)
	}
	return list
}

// HeadCell returns the name of a column, as wide as it.
func (t *Table) HeadCell(i int) string {
	return t.columns[i].fit(t.columns[i].Name, t.widths[i])
}

// Cell returns a cell of a row, as wide as its column. Only the last one is empty or, where the
// Table is of no width, has spaces in it.
func (t *Table) Cell(i int, r *Row) string {
	s := t.columns[i].text(r)
	if i < len(t.columns)-1 {
		if t.plain {
			s = strings.ReplaceAll(s, " ", "_")
		}
		s = cmp.Or(s, "-")
	}
	return t.columns[i].fit(s, t.widths[i])
}

// fit pads or cuts text to a width; 0 is as wide as it is.
func (c *Column) fit(s string, width int) string {
	if width == 0 {
		return s
	}
	n := width - uniseg.StringWidth(s)
	switch {
	case n < 0 && c.elided:
		return elide(s, width)
	case n < 0:
		s = Cut(s, width-1) + ellipsis
		return s + strings.Repeat(" ", width-uniseg.StringWidth(s))
	case c.left:
		return s + strings.Repeat(" ", n)
	}
	return strings.Repeat(" ", n) + s
}

// WriteText writes the totals and the rows as plain text.
func (s *State) WriteText(w io.Writer, o Order) error {
	var b strings.Builder
	for _, line := range s.Total.Lines() {
		b.WriteString(line.Text + "\n")
	}
	b.WriteByte('\n')
	t := s.View.Layout(0)
	b.WriteString(strings.TrimRight(strings.Join(t.Head(), " "), " ") + "\n")
	o.Sort(s.View, s.Rows)
	for i := range s.Rows {
		b.WriteString(strings.TrimRight(strings.Join(t.Cells(&s.Rows[i]), " "), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
