// Package goproxy parses the URLs of requests to module proxies and checksum
// databases. Its sources are the GOPROXY protocol
// (https://go.dev/ref/mod#goproxy-protocol) and the protocol of checksum
// databases (https://go.dev/ref/mod#checksum-database).
//
//	r, ok := goproxy.Parse("https://goproxy.example/golang.org/x/net/@v/v0.40.0.zip")
//	fmt.Println(ok, r.Kind, r.Path, r.Version) // true zip golang.org/x/net v0.40.0
//
// It also parses the error messages of the go command, and finds which of its requests they
// are about. It serves h2trace, and knows nothing of connections.
package goproxy

import (
	"net/url"
	"strings"

	"golang.org/x/mod/module"
)

// Kind is the kind of a request.
type Kind string

// The kinds. The first five concern modules, the others a checksum database. A module
// proxy may serve both, the latter below sumdb/NAME/.
const (
	List   Kind = "list"
	Latest Kind = "latest"
	Info   Kind = "info"
	Mod    Kind = "mod"
	Zip    Kind = "zip"

	SumDBSupported Kind = "sumdb-supported"
	SumDBLookup    Kind = "sumdb-lookup"
	SumDBTile      Kind = "sumdb-tile"
	SumDBLatest    Kind = "sumdb-latest"
)

// OfSumDB reports whether the kind is one of a checksum database.
func (k Kind) OfSumDB() bool { return strings.HasPrefix(string(k), "sumdb-") }

// Request is a parsed URL.
type Request struct {
	Kind Kind
	// Path and Version name the module, unescaped. They are empty if the request
	// names none.
	Path, Version string
	// Base is the base path of the proxy or database, without a trailing slash.
	Base string
}

// Parse parses a URL, and returns false when it is none of these requests. A base path
// ends where the longest module path begins.
func Parse(rawURL string) (Request, bool) {
	if !mayParse(rawURL) {
		return Request{}, false
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return Request{}, false
	}
	return parse(pathOf(u), false)
}

// mayParse reports whether a URL may be one of these requests: their paths have one of
// these parts, or hide it behind a percent-encoding. Most URLs are those of other
// programs, which it keeps from being parsed.
func mayParse(rawURL string) bool {
	return strings.IndexByte(rawURL, '@') >= 0 || strings.IndexByte(rawURL, '%') >= 0 ||
		strings.Contains(rawURL, "/latest") || strings.Contains(rawURL, "/tile/") || strings.Contains(rawURL, "/supported")
}

// parseBehind parses a URL whose path begins with a base path.
func parseBehind(u *url.URL, base string) (Request, bool) {
	rest, ok := strings.CutPrefix(pathOf(u), base+"/")
	if !ok {
		return Request{}, false
	}
	r, ok := parse("/"+rest, true)
	r.Base = base + r.Base
	return r, ok
}

// pathOf returns the path of a URL before percent-encoding, where that is
// unambiguous: %21 is the ! of the module path escaping.
func pathOf(u *url.URL) string {
	path := u.EscapedPath()
	if p, err := url.PathUnescape(path); err == nil {
		return p
	}
	return path
}

// parse parses the path of a URL. whole says that it has no base path.
func parse(path string, whole bool) (Request, bool) {
	if r, ok := parseSumDB(path); ok {
		return r, true
	}
	if mod, ok := strings.CutSuffix(path, "/@latest"); ok {
		return locate(mod, Request{Kind: Latest}, whole)
	}
	mod, file, ok := cutLast(path, "/@v/")
	if !ok {
		return Request{}, false
	}
	if file == "list" {
		return locate(mod, Request{Kind: List}, whole)
	}
	dot := strings.LastIndexByte(file, '.')
	if dot < 0 {
		return Request{}, false
	}
	kind := Kind(file[dot+1:])
	if kind != Info && kind != Mod && kind != Zip {
		return Request{}, false
	}
	version, err := module.UnescapeVersion(file[:dot])
	if err != nil {
		return Request{}, false
	}
	return locate(mod, Request{Kind: kind, Version: version}, whole)
}

// locate finds the module path after a base path.
func locate(path string, r Request, whole bool) (Request, bool) {
	for i := 0; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		if mod, err := module.UnescapePath(path[i+1:]); err == nil {
			r.Path, r.Base = mod, path[:i]
			return r, true
		}
		if whole {
			break
		}
	}
	return Request{}, false
}

// parseSumDB parses a path below the base of a checksum database.
func parseSumDB(path string) (Request, bool) {
	if base, ok := strings.CutSuffix(path, "/supported"); ok && isSumDB(base) {
		return Request{Kind: SumDBSupported, Base: base}, true
	}
	if base, ok := strings.CutSuffix(path, "/latest"); ok && !strings.HasSuffix(base, "/@v") {
		return Request{Kind: SumDBLatest, Base: base}, true
	}
	if base, tile, ok := cutLast(path, "/tile/"); ok && isTile(tile) {
		return Request{Kind: SumDBTile, Base: base}, true
	}
	base, what, ok := strings.Cut(path, "/lookup/")
	if !ok {
		return Request{}, false
	}
	escapedPath, escapedVersion, ok := strings.Cut(what, "@")
	if !ok {
		return Request{}, false
	}
	mod, err := module.UnescapePath(escapedPath)
	if err != nil {
		return Request{}, false
	}
	version, err := module.UnescapeVersion(escapedVersion)
	if err != nil {
		return Request{}, false
	}
	return Request{Kind: SumDBLookup, Path: mod, Version: version, Base: base}, true
}

// isSumDB reports whether a path ends in sumdb/NAME.
func isSumDB(path string) bool {
	dir, name, ok := cutLast(path, "/")
	return ok && name != "" && strings.HasSuffix(dir, "/sumdb")
}

// isTile reports whether s is H/L/K[.p/W] with an optional /data level
// (https://pkg.go.dev/golang.org/x/mod/sumdb/tlog#Tile.Path).
func isTile(s string) bool {
	height, rest, ok := strings.Cut(s, "/")
	if !ok || !digits(height) {
		return false
	}
	level, rest, ok := strings.Cut(rest, "/")
	return ok && (digits(level) || level == "data") && rest != ""
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
