package oracle

import (
	"sort"

	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// sums are the running totals of a log: per stream (0 is the connection) and
// direction, the DATA and the credit up to each frame.
type sums struct {
	data, credits [2]map[uint32][]total
	// initial are the values of INITIAL_WINDOW_SIZE for sent and received DATA, with
	// the received frame that put them into force.
	initial [2][]total
}

type total struct {
	at  int // index of the frame in its direction
	sum int64
}

// sum totals the log.
func (p *Partial) sum() *sums {
	s := &sums{}
	var own []int64 // INITIAL_WINDOW_SIZE after each of the process's SETTINGS
	for d := range s.data {
		s.data[d], s.credits[d] = make(map[uint32][]total), make(map[uint32][]total)
		value, acks := initialWindow, 0
		for i, f := range p.logged[d] {
			switch f.Type {
			case wire.Data:
				add(s.data[d], 0, i, f.Length)
				add(s.data[d], f.Stream, i, f.Length)
			case wire.WindowUpdate:
				add(s.credits[d], f.Stream, i, f.Increment)
			case wire.Settings:
				ack := f.Has(wire.FlagAck)
				value = initialIn(f.Settings, value)
				switch {
				case wire.Dir(d) == wire.Send && !ack:
					own = append(own, value)
				case wire.Dir(d) == wire.Recv && !ack:
					s.initial[wire.Send] = append(s.initial[wire.Send], total{i, value})
				case wire.Dir(d) == wire.Recv && acks < len(own):
					s.initial[wire.Recv] = append(s.initial[wire.Recv], total{i, own[acks]})
					acks++
				}
			}
		}
	}
	return s
}

// initialWindow is the size of every window before SETTINGS (RFC 9113 §6.9.2).
const initialWindow = int64(65535)

func initialIn(list []wire.Setting, value int64) int64 {
	for _, v := range list {
		if v.ID == wire.SettingInitialWindowSize {
			value = int64(v.Value)
		}
	}
	return value
}

// initialAt is the INITIAL_WINDOW_SIZE for DATA in direction d after the process has
// received frame recv.
func (s *sums) initialAt(d wire.Dir, recv int) int64 {
	value := initialWindow
	for _, v := range s.initial[d] {
		if v.at <= recv {
			value = v.sum
		}
	}
	return value
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

// credit is what direction d may still send on a stream after frame spent of its own
// and frame back of the other direction. For a stream it is relative to
// INITIAL_WINDOW_SIZE, which does not change the connection (RFC 9113 §6.9.2).
func (s *sums) credit(stream uint32, d wire.Dir, spent, back int) int64 {
	n := upTo(s.credits[1-d][stream], back) - upTo(s.data[d][stream], spent)
	if stream == 0 {
		n += initialWindow
	}
	return n
}
