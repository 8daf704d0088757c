package plan

import (
	"debug/dwarf"

	"h2trace/bpf/layout"
)

// maxDWARF bounds the debugging information that is read for a layout. It is
// read only where no table has it.
const maxDWARF = 64 << 20

// layout returns where the HTTP/2 code of a package in the executable keeps the
// state of client connections, or nil where that is not known.
func (e *executable) layout(p layout.Package) *layout.Client {
	return layoutOf(e, p, layout.Released, layout.Versioned, layout.FromDWARF)
}

// serverLayout does so for server connections.
func (e *executable) serverLayout(p layout.Package) *layout.Server {
	return layoutOf(e, p, layout.ReleasedServer, layout.VersionedServer, layout.ServerFromDWARF)
}

func layoutOf[L any](e *executable, p layout.Package, released, versioned func(string) *L,
	fromDWARF func(*dwarf.Data, layout.Package) (*L, error),
) *L {
	l := released(e.goVersion)
	if p == layout.Module {
		l = nil
		for _, m := range e.deps {
			if m.Path == "golang.org/x/net" && m.Replace == nil {
				l = versioned(m.Version)
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
	l, err = fromDWARF(d, p)
	if err != nil {
		return nil
	}
	return l
}
