package plan

import (
	"debug/dwarf"

	"h2trace/bpf/layout"
)

// layout returns the layout of client connections of an HTTP/2 package in the
// executable, or nil where it is unknown.
func (e *executable) layout(p layout.Package) *layout.Client {
	return layoutOf(e, p, layout.Released, layout.Versioned, layout.FromDWARF)
}

// serverLayout does the same for server connections.
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
	d := e.debugInfo()
	if d == nil {
		return nil
	}
	l, err := fromDWARF(d, p)
	if err != nil {
		return nil
	}
	return l
}
