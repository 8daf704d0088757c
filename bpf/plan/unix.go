package plan

import (
	"io"
	"slices"
)

// unixConnType is the type of connections on Unix sockets.
var unixConnType = typeName{name: "*net.UnixConn", pointer: true}

// UnixCalls returns the places of a plan for the TLS of an executable, for connections on
// Unix sockets alone: those have no packets. It returns none where the executable has no
// such connections.
func (p *Plan) UnixCalls(r io.ReaderAt) ([]Site, error) {
	exe, err := openExecutable(r, anyMachine, []string{symTypes, symETypes})
	if err != nil {
		return nil, err
	}
	hashes, err := exe.typeHashes([]typeName{unixConnType})
	if err != nil || hashes[0] == 0 {
		return nil, err
	}
	sites := slices.Concat(p.Phases, p.Sites)
	sites = slices.DeleteFunc(sites, func(s Site) bool { return s.Tap == Stderr })
	for i := range sites {
		sites[i].UnixConnHash = hashes[0]
	}
	return sites, nil
}
