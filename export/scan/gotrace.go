package scan

import (
	"bytes"
	"math"
	"strconv"
)

// GoTrace reads the spans that a go command writes with -debug-trace=FILE: Chrome trace events, of
// which each is a line (cmd/go/internal/trace). Those of one thread can overlap.
type GoTrace struct {
	open  map[goSpan][]int64 // begins without an end
	begun int                // how many these are
}

type goSpan struct{ thread, name string }

// GoSpan is a span of a go command. Its times are Unix nanoseconds; a float64, as which they are
// written, has whole microseconds of them.
type GoSpan struct {
	Thread, Name string // Thread is a number, as written
	Begin, End   int64
}

// Bounds on the spans that are open, of which more are left out, and on what is kept of a name.
const (
	maxOpenSpans = 1 << 14
	maxSpanName  = 1 << 10
)

var (
	eventBegin = []byte(`{"v":`)
	phaseKey   = []byte(`"ph":`)
)

// Take takes a line, and reports whether it is one of such a trace. If a span ends with it, f gets
// that.
func (g *GoTrace) Take(line []byte, f func(GoSpan)) bool {
	line = bytes.TrimSpace(line)
	switch {
	case len(line) == 0 || bytes.HasPrefix(line, eventBegin):
		return false
	case string(line) == "[", string(line) == "]": // of nothing else that is read
		return true
	}
	line = bytes.TrimLeft(line, "[,")
	if len(line) == 0 || line[0] != '{' || !bytes.Contains(line, phaseKey) {
		return false
	}
	var name, phase, thread []byte
	var micros float64
	timed := false
	if !Members(line, func(key, v []byte) {
		switch string(key) {
		case "name":
			name = v
		case "ph":
			phase = v
		case "tid":
			thread = v
		case "ts":
			var err error
			micros, err = strconv.ParseFloat(string(v), 64)
			timed = err == nil && micros > 0 && micros < 9e15
		}
	}) ||
		name == nil || !timed || len(thread) > 20 {
		return false
	}
	label := Bytes(name)
	key, at := goSpan{string(thread), string(label[:min(len(label), maxSpanName)])}, int64(math.Round(micros))*1e3
	switch {
	case Is(phase, "B"):
		g.begin(key, at)
	case Is(phase, "E"):
		g.end(key, at, f)
	}
	return true
}

func (g *GoTrace) begin(key goSpan, at int64) {
	if g.open == nil {
		g.open = make(map[goSpan][]int64)
	}
	if g.begun < maxOpenSpans {
		g.open[key] = append(g.open[key], at)
		g.begun++
	}
}

func (g *GoTrace) end(key goSpan, at int64, f func(GoSpan)) {
	begins := g.open[key]
	if len(begins) == 0 {
		return
	}
	g.begun--
	last := len(begins) - 1
	if g.open[key] = begins[:last]; last == 0 {
		delete(g.open, key)
	}
	f(GoSpan{Thread: key.thread, Name: key.name, Begin: begins[last], End: at})
}

// EndFile ends a file. A span that is open then has no end.
func (g *GoTrace) EndFile() {
	clear(g.open)
	g.begun = 0
}
