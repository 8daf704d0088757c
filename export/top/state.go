package top

import "time"

// State returns what there is at a time, with the rows of a view.
func (m *Model) State(now time.Time, v View) *State {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &State{
		View: v,
		Total: Totals{
			Counters: m.total.Counters, Rates: m.total.rates, InFlight: m.total.InFlight,
			Running: int64(len(m.processes)), Processes: m.ever.processes,
			Open: int64(len(m.conns)), Conns: m.ever.conns, Unconnected: m.ever.unconnected,
			Unlisted: m.ever.unlisted,
		},
	}
	switch v {
	case Processes:
		s.Rows = rowsOf(m.processes, m.ended.processes)
	case Connections:
		s.Rows = rowsOf(m.conns, m.ended.conns)
	case Requests:
		s.Rows = m.requestRows(now)
	}
	return s
}

// rowsOf returns the rows of what is there, and of what has ended.
func rowsOf[K comparable, T interface{ row() Row }](there map[K]T, ended []T) []Row {
	ended = latestOf(ended)
	rows := make([]Row, 0, len(there)+len(ended))
	for _, t := range there {
		rows = append(rows, t.row())
	}
	for _, t := range ended {
		rows = append(rows, t.row())
	}
	return rows
}

func (m *Model) requestRows(now time.Time) []Row {
	ended := latestOf(m.ended.requests)
	rows := make([]Row, 0, m.requests+len(ended))
	for _, c := range m.conns {
		for _, r := range c.streams {
			rows = append(rows, r.row(now))
		}
		for _, r := range c.pipeline {
			rows = append(rows, r.row(now))
		}
	}
	for _, r := range ended {
		rows = append(rows, r.row(now))
	}
	return rows
}
