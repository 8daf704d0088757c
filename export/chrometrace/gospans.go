package chrometrace

import (
	"bytes"
	"strconv"

	"h2trace/export"
	"h2trace/export/scan"
)

// goSpans are the spans of go commands, each command with a process of its own, because its events
// do not name one.
type goSpans struct {
	files int64
	lanes map[int64]bool // that have a name, nil before the first event of a file
}

// The ids of these processes and threads, above all of Linux and of lanes. A file has goThreads
// of them.
const (
	goProcess     = 1 << 22
	firstGoThread = 1 << 28
	goThreads     = 1 << 20
	maxGoFiles    = 1 << 10
)

// goTrace takes a line that a go command wrote with -debug-trace, and reports whether it is one.
func (t *Trace) goTrace(line []byte) bool {
	object, ok := scan.GoTrace(line)
	if !ok || object == nil {
		return ok
	}
	var name, phase, ts []byte
	var thread int64
	ok = scan.Members(object, func(key, v []byte) {
		switch string(key) {
		case "name":
			name = v
		case "ph":
			phase = scan.Bytes(v)
		case "ts":
			ts = v
		case "tid":
			thread, _ = scan.Integer(v)
		}
	})
	if _, err := strconv.ParseFloat(string(ts), 64); !ok || err != nil || !export.ValidValue(ts) ||
		len(phase) != 1 || !bytes.Contains([]byte("BEstf"), phase) {
		return false
	}
	o := &t.out
	o.begin(phase[0], cut(scan.Text(name)), t.goLane(thread))
	o.key("ts")
	o.b = append(o.b, ts...)
	for _, key := range [...]string{"cat", "id", "bp"} {
		if v := scan.Member(object, key); export.ValidValue(v) && len(v) <= maxName {
			o.key(key)
			o.b = append(o.b, v...)
		}
	}
	o.end()
	return true
}

// goLane returns the lane of a thread of the go command.
func (t *Trace) goLane(thread int64) place {
	g := &t.spans
	at := place{pid: goProcess + g.files%maxGoFiles}
	if g.lanes == nil {
		g.lanes = make(map[int64]bool)
		g.files++
		at.pid = goProcess + g.files%maxGoFiles
		t.out.metadata("process_name", "name", at, []byte(`"go -debug-trace"`))
		t.out.metadata("process_sort_index", "sort_index", at, []byte("0"))
	}
	thread = max(thread, 0) % goThreads
	at.tid = firstGoThread + (g.files%maxGoFiles)*goThreads + thread
	if !g.lanes[thread] && len(g.lanes) < maxStreams {
		g.lanes[thread] = true
		t.out.metadata("thread_name", "name", at, export.AppendString(nil, "go "+strconv.FormatInt(thread, 10)))
		t.out.metadata("thread_sort_index", "sort_index", at, strconv.AppendInt(nil, thread, 10))
	}
	return at
}
