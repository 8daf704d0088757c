package decoder

import (
	"fmt"
	"strings"

	"golang.org/x/net/http2/hpack"

	"h2trace/decoder/ktime"
)

// recorder is a Sink that writes each event as one line of text.
type recorder struct {
	lines []string
	// counts of frames by direction and type
	counts     [2]map[Type]int
	violations []Violation
	headers    [][]hpack.HeaderField
	errors     []string
	quiet      bool
	conn       *Conn
}

func (r *recorder) Protocol(at ktime.Time, p Protocol, fromStart bool) {
	names := map[Protocol]string{ProtocolUnknown: "unknown", HTTP1: "http1", HTTP2: "http2"}
	r.lines = append(r.lines, fmt.Sprintf("@%d protocol %s fromStart=%v", at, names[p], fromStart))
}

func (r *recorder) Resync(at ktime.Time, dir Direction, skipped int64) {
	r.lines = append(r.lines, fmt.Sprintf("@%d %s resync skipped=%d", at, dir, skipped))
}

func (r *recorder) Frame(f *Frame) {
	if r.counts[f.Dir] == nil {
		r.counts[f.Dir] = map[Type]int{}
	}
	r.counts[f.Dir][f.Type]++
	if v := ofFrame(f); v != nil {
		r.violations = append(r.violations, *v)
	}
	if f.BlockEnd {
		r.headers = append(r.headers, append([]hpack.HeaderField(nil), f.Headers...))
		r.errors = append(r.errors, f.HeadersError)
	}
	if !r.quiet {
		r.lines = append(r.lines, describe(f))
	}
}

func (r *recorder) Flooded(at ktime.Time, dir Direction) {
	r.lines = append(r.lines, fmt.Sprintf("flood at %d by %v", at, dir))
}

func (r *recorder) Counted(f *Flood) {
	var b strings.Builder
	fmt.Fprintf(&b, "from %d to %d", f.Start, f.End)
	for d := range f.Counted {
		for typ, n := range f.Counted[d] {
			if n.Frames > 0 {
				fmt.Fprintf(&b, ", %v %v %d/%d", Direction(d), Type(typ), n.Frames, n.Bytes)
			}
		}
	}
	r.lines = append(r.lines, b.String())
}

// frames returns how many frames were reported.
func (r *recorder) frames() (n int) {
	for _, counts := range r.counts {
		for _, of := range counts {
			n += of
		}
	}
	return n
}

// describe renders all fields of a frame.
func describe(f *Frame) string {
	var b strings.Builder
	fmt.Fprintf(&b, "@%d %s %s", f.Time, f.Dir, f.Type)
	if f.Flags != 0 {
		fmt.Fprintf(&b, " %s", strings.Join(f.Flags.Names(f.Type), "+"))
	}
	fmt.Fprintf(&b, " stream=%d length=%d", f.StreamID, f.Length)
	switch f.Type {
	case TypeData:
		fmt.Fprintf(&b, " data=%d", f.DataLength)
		if f.PaddingUnknown {
			b.WriteString("?")
		}
		if len(f.Body) > 0 {
			fmt.Fprintf(&b, " body=%q", f.Body)
		}
	case TypeSettings:
		for _, s := range f.Settings {
			fmt.Fprintf(&b, " %s=%d", s.ID, s.Value)
		}
	case TypeWindowUpdate:
		fmt.Fprintf(&b, " increment=%d", f.Increment)
	case TypeRSTStream:
		fmt.Fprintf(&b, " %s", f.ErrorCode)
	case TypeGoAway:
		fmt.Fprintf(&b, " %s last=%d debug=%q", f.ErrorCode, f.LastStreamID, f.Debug)
	case TypePing:
		fmt.Fprintf(&b, " %x", f.Opaque)
	case TypePushPromise:
		fmt.Fprintf(&b, " promised=%d", f.PromisedID)
	case TypeAltSvc:
		fmt.Fprintf(&b, " origin=%q value=%q", f.AltOrigin, f.FieldValue)
	case TypeOrigin:
		fmt.Fprintf(&b, " origins=%q", f.Origins)
	case TypePriorityUpdate:
		fmt.Fprintf(&b, " prioritized=%d value=%q", f.PrioritizedID, f.FieldValue)
	}
	if f.HasPriority {
		fmt.Fprintf(&b, " depends=%d weight=%d exclusive=%v", f.Priority.DependsOn, f.Priority.Weight, f.Priority.Exclusive)
	}
	if f.BlockEnd {
		if f.HeadersError != "" {
			fmt.Fprintf(&b, " headers_error=%q", f.HeadersError)
		} else {
			b.WriteString(" headers=[")
			for i, h := range f.Headers {
				if i > 0 {
					b.WriteString(" ")
				}
				fmt.Fprintf(&b, "%q:%q", h.Name, h.Value)
				if h.Sensitive {
					b.WriteString("!")
				}
			}
			b.WriteString("]")
		}
	}
	fmt.Fprintf(&b, " window=%s,%s,%s,%s", credit(f.Window.ConnSend), credit(f.Window.ConnRecv), credit(f.Window.StreamSend), credit(f.Window.StreamRecv))
	if f.Truncated {
		b.WriteString(" truncated")
	}
	if v := ofFrame(f); v != nil {
		fmt.Fprintf(&b, " violation=%q", v)
	}
	return b.String()
}

// ofFrame returns the rule that a frame broke, except for rules of messages. Most
// conversations here have header sections that are neither requests nor responses.
func ofFrame(f *Frame) *Violation {
	if f.Violation == nil || f.Violation.Malformed {
		return nil
	}
	return f.Violation
}

func credit(c Credit) string {
	if !c.Known {
		return "?"
	}
	return fmt.Sprint(c.Bytes)
}
