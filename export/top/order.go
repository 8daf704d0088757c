package top

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Order says how rows are sorted.
type Order struct {
	Column  string // its name; "" is for the one that the view has
	Inverse bool
}

// usual are the columns by which the views are sorted.
var usual = [...]string{Processes: "RECV/s", Connections: "RECV/s", Requests: "TIME"}

// Named returns the name of the column that the rows of a view are sorted by.
func (o Order) Named(v View) string {
	if o.Column != "" {
		return o.Column
	}
	return usual[v]
}

// Sort sorts rows of a view: first what is there, then what nothing can be seen of, and then
// what has ended. Equal ones are in the order of their keys.
func (o Order) Sort(v View, rows []Row) {
	columns := v.Columns()
	i := slices.IndexFunc(columns, func(c Column) bool { return c.Name == o.Named(v) })
	slices.SortFunc(rows, func(a, b Row) int {
		if x, y := a.group(), b.group(); x != y {
			return x - y
		}
		n := 0
		if i >= 0 {
			n = columns[i].compare(&a, &b)
		}
		if o.Inverse {
			n = -n
		}
		return cmp.Or(n, b.Ended.Compare(a.Ended), len(a.Key)-len(b.Key), strings.Compare(a.Key, b.Key))
	})
}

// group is the place of a row before all sorting.
func (r *Row) group() int {
	switch {
	case !r.Ended.IsZero():
		return 2
	case r.Blind:
		return 1
	}
	return 0
}

// ParseView returns the view of a name, or of its beginning.
func ParseView(name string) (View, error) {
	for i, v := range Views {
		if name != "" && strings.HasPrefix(v, strings.ToLower(name)) {
			return View(i), nil
		}
	}
	return 0, fmt.Errorf("the views are %s", strings.Join(Views[:], ", "))
}

// ParseColumn returns the name of a column of a view, whatever its case.
func (v View) ParseColumn(name string) (string, error) {
	var names []string
	for _, c := range v.Columns() {
		if strings.EqualFold(c.Name, name) {
			return c.Name, nil
		}
		names = append(names, c.Name)
	}
	return "", fmt.Errorf("the columns of %s are %s", Views[v], strings.Join(names, ", "))
}
