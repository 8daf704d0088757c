package oracle

import (
	"sort"

	"h2trace/cmd/h2trace/internal/wire"
)

// sums are the running totals of a log: per stream (0 is the connection) and
// direction, how much DATA and how much credit had gone up to each frame.
type sums struct {
	data, credits [2]map[uint32][]total
	initial       [2]int64 // INITIAL_WINDOW_SIZE in force for what is sent, received
}

type total struct {
	at  int // index of the frame in its direction
	sum int64
}

// sum totals the log. It is for connections on which each side announces its
// INITIAL_WINDOW_SIZE once, before the part that the trace has.
func (p *Partial) sum() *sums {
	s := &sums{initial: [2]int64{65535, 65535}} // RFC 9113 §6.9.2
	for d := range s.data {
		s.data[d], s.credits[d] = make(map[uint32][]total), make(map[uint32][]total)
		for i, f := range p.logged[d] {
			switch f.Type {
			case wire.Data:
				add(s.data[d], 0, i, f.Length)
				add(s.data[d], f.Stream, i, f.Length)
			case wire.WindowUpdate:
				add(s.credits[d], f.Stream, i, f.Increment)
			case wire.Settings:
				for _, v := range f.Settings {
					if v.ID == wire.SettingInitialWindowSize {
						s.initial[1-d] = int64(v.Value)
					}
				}
			}
		}
	}
	return s
}

func add(m map[uint32][]total, id uint32, at int, n uint32) {
	var before int64
	if list := m[id]; len(list) > 0 {
		before = list[len(list)-1].sum
	}
	m[id] = append(m[id], total{at, before + int64(n)})
}

// upTo returns the total up to and with frame at.
func upTo(list []total, at int) int64 {
	i := sort.Search(len(list), func(i int) bool { return list[i].at > at })
	if i == 0 {
		return 0
	}
	return list[i-1].sum
}

// credit is what direction d may still send on a stream after frame spent of
// its own and frame back of the other direction.
func (s *sums) credit(stream uint32, d wire.Dir, spent, back int) int64 {
	initial := s.initial[d]
	if stream == 0 {
		initial = 65535 // SETTINGS do not change the connection (RFC 9113 §6.9.2)
	}
	return initial - upTo(s.data[d][stream], spent) + upTo(s.credits[1-d][stream], back)
}
