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
			Unlisted: m.ever.unlisted, Whole: m.whole, Over: m.over,
		},
	}
	switch v {
	case Processes:
		s.Rows = m.processRows()
	case Connections:
		s.Rows = m.connRows()
	case Requests:
		s.Rows = m.requestRows(now)
	}
	return s
}

func (m *Model) processRows() []Row {
	ended := latestOf(m.ended.processes)
	rows := make([]Row, 0, len(m.processes)+len(ended))
	for _, p := range m.processes {
		rows = append(rows, p.row())
	}
	for _, p := range ended {
		rows = append(rows, p.row())
	}
	return rows
}

func (m *Model) connRows() []Row {
	ended := latestOf(m.ended.conns)
	rows := make([]Row, 0, len(m.conns)+len(ended))
	for _, c := range m.conns {
		rows = append(rows, c.row())
	}
	for _, c := range ended {
		rows = append(rows, c.row())
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
