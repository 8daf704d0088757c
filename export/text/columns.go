package text

import (
	"bytes"

	"h2trace/export/scan"
)

// columns are what stands before the description of an event. Those of a process, a
// connection and a stream become wider as wider values come, up to a bound.
type columns struct {
	time, process, rest      []byte // with the space after each
	processN, connN, streamN int
	pid, comm                []byte // of the process, as written
	cell                     []byte
}

// The bounds of the widths, and what they are at first. A kernel's name of a process has 15
// bytes, and a stream id ten digits.
const (
	leastProcess, mostProcess = 9, 24
	leastConn, mostConn       = 3, 8
	leastStream, mostStream   = 3, 10
)

// fill takes the columns of an event, which happened at a time.
func (c *columns) fill(e *scan.Object, ns int64, timed bool) {
	cell := append(c.cell[:0], '?')
	if timed {
		cell = appendSeconds(c.cell[:0], ns)
	}
	c.time = append(pad(c.time[:0], cell, max(8, len(cell)), true), ' ')

	pid, comm := e.Get("pid"), e.Get("comm")
	if !bytes.Equal(pid, c.pid) || !bytes.Equal(comm, c.comm) || len(c.process) == 0 {
		c.pid, c.comm = append(c.pid[:0], pid...), append(c.comm[:0], comm...)
		cell = cell[:0]
		switch {
		case pid == nil:
		case string(pid) == "null": // of a capture
			cell = append(cell, '-')
		default:
			cell = append(cell, scan.Text(comm)...)
			cell = append(append(append(cell, '['), pid...), ']')
		}
		c.process = append(fitted(c.process[:0], cell, &c.processN, leastProcess, mostProcess, false), ' ')
	}

	b := append(fitted(c.rest[:0], append(cell[:0], scan.Text(e.Get("conn"))...), &c.connN, leastConn, mostConn, false), ' ')
	cell = cell[:0]
	if stream := e.Get("stream"); e.Has("stream") && string(stream) != "0" {
		cell = append(cell, stream...)
	}
	b = append(fitted(b, cell, &c.streamN, leastStream, mostStream, true), ' ')
	switch dir := e.Get("dir"); {
	case scan.Is(dir, "send"):
		b = append(b, "-> "...)
	case scan.Is(dir, "recv"):
		b = append(b, "<- "...)
	default:
		b = append(b, "   "...)
	}
	c.rest, c.cell = b, cell
}

// fitted appends a cell to a column, whose width grows with it.
func fitted(b, cell []byte, width *int, least, most int, number bool) []byte {
	cell = safe(cell)
	*width = min(max(*width, least, columnsOf(cell)), most)
	return pad(b, cell, *width, number)
}

// fit returns the columns. They leave room for what is said, if limit is not 0: where there is none
// for all, the process is left out, and then the others.
func (c *columns) fit(limit int) []byte {
	all := append(append(append(c.cell[:0], c.time...), c.process...), c.rest...)
	c.cell = all
	if most := min(limit*5/8, limit-verbWidth-1-leastLong); limit > 0 && columnsOf(all) > most {
		if all = append(append(all[:0], c.time...), c.rest...); columnsOf(all) > most {
			return nil
		}
	}
	return all
}
