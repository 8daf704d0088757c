package export

import (
	"strconv"

	"h2trace/decoder"
)

// Frame prints a frame event. Times come from m; f.Time is not used. Frame does not keep
// f, nor anything that it points to.
func (j *JSONL) Frame(m Meta, f *decoder.Frame) {
	shown, heard := j.filter.showsFrame(f.Type), j.hearsFrame(f.Type)
	if !shown && heard == 0 {
		return
	}
	b, ok := j.out.begin(shown, heard)
	if !ok {
		return
	}
	b = j.enc.appendMeta(b, &m, KindFrame)
	b = append(b, `,"dir":"`...)
	b = append(b, f.Dir.String()...)
	b = append(b, `","stream":`...)
	b = strconv.AppendUint(b, uint64(f.StreamID), 10)
	b = append(b, `,"type":"`...)
	b = append(b, f.Type.String()...)
	b = append(b, `","flags":`...)
	b = append(b, j.enc.flags.json(f.Type, f.Flags)...)
	b = append(b, `,"length":`...)
	b = strconv.AppendUint(b, uint64(f.Length), 10)
	b = j.enc.appendPayload(b, f)
	b = appendWindow(b, &f.Window)
	if f.Truncated {
		b = append(b, `,"truncated":true`...)
	}
	if f.Violation != nil {
		b = j.enc.appendText(b, "violation", f.Violation.String())
	}
	j.out.end(append(b, '}'))
}

func appendWindow(b []byte, w *decoder.Window) []byte {
	b = append(b, `,"window":{"conn_send":`...)
	b = appendCredit(b, w.ConnSend)
	b = append(b, `,"conn_recv":`...)
	b = appendCredit(b, w.ConnRecv)
	b = append(b, `,"stream_send":`...)
	b = appendCredit(b, w.StreamSend)
	b = append(b, `,"stream_recv":`...)
	b = appendCredit(b, w.StreamRecv)
	return append(b, '}')
}

func appendCredit(b []byte, c decoder.Credit) []byte {
	if !c.Known {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, c.Bytes, 10)
}

// flagNames caches the JSON array for each combination of type and flags that has
// occurred: at most 65,536.
type flagNames map[uint16]string

func (n flagNames) json(t decoder.Type, flags decoder.Flags) string {
	if flags == 0 {
		return "[]"
	}
	key := uint16(t)<<8 | uint16(flags)
	if s, ok := n[key]; ok {
		return s
	}
	b := []byte{'['}
	for i, name := range flags.Names(t) {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = appendString(b, name)
	}
	s := string(append(b, ']'))
	n[key] = s
	return s
}
