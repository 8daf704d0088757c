package plan

import "h2trace/bpf/layout"

// maxDWARF bounds the debugging information that is read for a layout. It is
// read only where no table has it.
const maxDWARF = 64 << 20

// layout returns where the HTTP/2 code of a package in the executable keeps the
// state of client connections, or nil where that is not known.
func (e *executable) layout(p layout.Package) *layout.Client {
	l := layout.Released(e.goVersion)
	if p == layout.Module {
		l = nil
		for _, m := range e.deps {
			if m.Path == "golang.org/x/net" && m.Replace == nil {
				l = layout.Versioned(m.Version)
			}
		}
	}
	if l != nil {
		return l
	}
	if s := e.file.Section(".debug_info"); s == nil || s.Size > maxDWARF {
		return nil
	}
	d, err := e.file.DWARF()
	if err != nil {
		return nil // damaged, or of a kind not known: as if there were none
	}
	l, err = layout.FromDWARF(d, p)
	if err != nil {
		return nil
	}
	return l
}
