package top

import "time"

// State returns what there is at a time.
func (m *Model) State(now time.Time) *State {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &State{
		Total: Totals{
			Counters: m.total.Counters, Rates: m.total.rates, InFlight: m.total.InFlight,
			Running: int64(len(m.processes)), Processes: m.ever.processes,
			Open: int64(len(m.conns)), Conns: m.ever.conns, Unconnected: m.ever.unconnected,
			Unlisted: m.ever.unlisted, Whole: m.whole, Over: m.over,
		},
	}
	for _, p := range m.processes {
		s.Processes = append(s.Processes, p.row())
	}
	for _, p := range latestOf(m.ended.processes) {
		s.Processes = append(s.Processes, p.row())
	}
	for _, c := range m.conns {
		s.Conns = append(s.Conns, c.row())
		for _, r := range c.streams {
			s.Requests = append(s.Requests, r.row(now))
		}
		for _, r := range c.pipeline {
			s.Requests = append(s.Requests, r.row(now))
		}
	}
	for _, c := range latestOf(m.ended.conns) {
		s.Conns = append(s.Conns, c.row())
	}
	for _, r := range latestOf(m.ended.requests) {
		s.Requests = append(s.Requests, r.row(now))
	}
	return s
}
