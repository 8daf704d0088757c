package layout

import (
	"strconv"
	"strings"
)

// Released returns the layout of the HTTP/2 code in net/http of a Go release,
// such as "go1.26.8", and nil where it is not known.
func Released(goVersion string) *Client {
	minor, patch, ok := release(goVersion)
	spans := releases[minor]
	if !ok || len(spans) == 0 {
		return nil
	}
	// What a later patch release may have changed, Read finds out.
	return find(spans, min(patch, spans[len(spans)-1].last))
}

// release returns N and P of go1.N and go1.N.P. What is between releases, or
// somebody's own, is neither.
func release(goVersion string) (minor, patch int, ok bool) {
	version, _, _ := strings.Cut(goVersion, " ") // experiments follow
	version, ok = strings.CutPrefix(version, "go1.")
	n, p, patched := strings.Cut(version, ".")
	if !patched {
		p = "0"
	}
	minor, err := strconv.Atoi(n)
	patch, patchErr := strconv.Atoi(p)
	return minor, patch, ok && err == nil && patchErr == nil && patch >= 0
}

// span is a run of versions with one layout.
type span struct {
	first, last int
	layout      *Client
}

func find(spans []span, n int) *Client {
	for _, s := range spans {
		if s.first <= n && n <= s.last {
			return s.layout
		}
	}
	return nil
}

// Versioned returns the layout of a version of golang.org/x/net, such as
// "v0.33.0", and nil where it is not known.
func Versioned(version string) *Client {
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
