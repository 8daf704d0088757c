package top

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
)

// FuzzModel adds any lines: what is shown is for a screen, and no more than was counted.
func FuzzModel(f *testing.F) {
	f.Add([]byte(strings.Join([]string{
		line(0, "process", `"action":"attached"`), line(0, "conn", open), requested(0, "c1", 1), requested(0, "c1", 0),
		framed(0, "c1", "send", 1, 41, `"conn_send":1,"stream_recv":-4`),
		ended(time.Second, "c1", 1, ""), line(1, "conn", `"conn":"c1","action":"close"`), line(1, "process", `"action":"exit","exit_code":2`),
		line(2, "stall", `"conn":"c1","stream":3,"stall_ms":12.500`),
		`{"v":1,"ts":"2026-11-30T09:00:01.000000000Z","event":"loss","reason":"gap","records":3,"conn":"c1"}`,
	}, "\n")))
	f.Add([]byte(line(0, "conn", `"conn":"\u001b[2J","action":"open","remote":"\u202e","protocol":"[red]"`)))
	f.Fuzz(func(t *testing.T, in []byte) {
		m := New(began)
		for l := range bytes.SplitSeq(in, []byte{0x0a}) {
			m.Add(l)
		}
		m.Tick(began.Add(time.Second))
		open := int64(0)
		for v := range Views {
			s := m.State(began.Add(time.Second), View(v))
			for _, r := range s.Rows {
				if r.Ended.IsZero() && View(v) == Requests {
					open++
				}
			}
			if open > s.Total.InFlight || s.Total.InFlight < 0 {
				t.Errorf("%d requests in flight, %d rows of them", s.Total.InFlight, open)
			}
			var b strings.Builder
			if err := s.WriteText(&b, Order{}); err != nil {
				t.Fatal(err)
			}
			for _, r := range b.String() {
				if r != '\n' && !unicode.IsPrint(r) {
					t.Fatalf("%q is not for a screen", b.String())
				}
			}
		}
	})
}
