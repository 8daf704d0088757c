package layout

import (
	"strconv"
	"strings"
)

// Released returns the layout of client connections in net/http of a Go release, such
// as "go1.26.8", and nil where it is unknown.
func Released(goVersion string) *Client { return released(releases, goVersion) }

// ReleasedServer does the same for server connections.
func ReleasedServer(goVersion string) *Server { return released(serverReleases, goVersion) }

func released[L any](releases map[int][]span[L], goVersion string) *L {
	minor, patch, ok := release(goVersion)
	spans := releases[minor]
	if !ok || len(spans) == 0 {
		return nil
	}
	// Read detects changes of a later patch release.
	return find(spans, min(patch, spans[len(spans)-1].last))
}

// release returns N and P of go1.N and go1.N.P. A version between releases has
// neither. A build of a release has a suffix, and counts as that release:
//
//	go1.26.8-X:jsonv2     with experiments, and " X:jsonv2" up to Go 1.25
//	go1.26.8-custom       of a distributor, also "+custom" and " (Custom 1)"
//	go1.27-devel_8f3d2c1  between releases, which have P since Go 1.21
func release(goVersion string) (minor, patch int, ok bool) {
	version, _, _ := strings.Cut(goVersion, " ")
	version, _, _ = strings.Cut(version, "-X:")
	version, ok = strings.CutPrefix(version, "go1.")
	if i := strings.IndexAny(version, "-+"); i >= 0 {
		version, ok = version[:i], ok && strings.Contains(version[:i], ".")
	}
	n, p, patched := strings.Cut(version, ".")
	if !patched {
		p = "0"
	}
	minor, err := strconv.Atoi(n)
	patch, patchErr := strconv.Atoi(p)
	return minor, patch, ok && err == nil && patchErr == nil && minor >= 0 && patch >= 0
}

// span is a run of versions with one layout.
type span[L any] struct {
	first, last int
	layout      *L
}

func find[L any](spans []span[L], n int) *L {
	for _, s := range spans {
		if s.first <= n && n <= s.last {
			return s.layout
		}
	}
	return nil
}

// Versioned returns the layout of client connections of a version of
// golang.org/x/net, such as "v0.33.0", and nil where it is unknown.
func Versioned(version string) *Client { return versioned(modules, version) }

// VersionedServer does the same for server connections.
func VersionedServer(version string) *Server { return versioned(serverModules, version) }

func versioned[L any](modules []span[L], version string) *L {
	rest, ok := strings.CutPrefix(version, "v0.")
	if !ok || strings.ContainsAny(rest, "-+") {
		return nil
	}
	minor, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(minor)
	if err != nil {
		return nil
	}
	return find(modules, n)
}
