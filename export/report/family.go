package report

import (
	"strings"
	"time"

	"h2trace/export/scan"
)

// family is what the go command asks of the paths that a package may be in: of
// a/b/c, a/b and a at once. Most are no modules, and what a proxy says of these
// has no consequence where one of them is.
type family struct {
	found  map[familyPath]bool
	above  map[familyPath]bool // what these are in
	failed []query
}

// familyPath is a path that a process asks for, in a version where that is what it
// asks all of a family for, as in go get PACKAGE@VERSION.
type familyPath struct {
	pid           int64
	path, version string
}

// plain returns the path in any version.
func (p familyPath) plain() familyPath { return familyPath{pid: p.pid, path: p.path} }

// query is a failed request for the list of versions, or for a version.
type query struct {
	familyPath
	key, proxy, kind string
	of               *trouble
	time             time.Duration
}

// maxQueries bounds the queries of a run.
const maxQueries = 1 << 12

// waits reports whether it is told at the end whether an exchange counts.
func (f *family) waits(x *exchangeEvent) bool {
	return x.status/100 == 4 && x.isQuery() && len(f.failed) < maxQueries
}

// pathOf returns the path that an exchange asks for.
func pathOf(x *exchangeEvent) familyPath {
	of := familyPath{pid: x.pid, path: scan.Text(x.path)}
	if scan.Is(x.kind, "info") {
		of.version = scan.Text(x.version)
	}
	return of
}

// exchange takes an exchange.
func (f *family) exchange(x *exchangeEvent) {
	of := pathOf(x)
	switch {
	case x.kind == nil || of.path == "":
	case f.waits(x):
		f.failed = append(f.failed, query{
			familyPath: of, key: x.key(), proxy: proxyName(x), kind: scan.Text(x.kind), of: ofExchange(x), time: x.phases[phaseTotal],
		})
	case x.status/100 == 2 && x.class == nil:
		f.finds(of)
	}
}

// finds takes a path that was found.
func (f *family) finds(of familyPath) {
	f.note(of)
	if of.version != "" {
		of.version = ""
		f.note(of)
	}
}

func (f *family) note(of familyPath) {
	put(&f.found, of, true)
	for up := of; up.up(); {
		put(&f.above, up, true)
	}
}

// up replaces a path by its parent.
func (p *familyPath) up() bool {
	i := strings.LastIndexByte(p.path, '/')
	p.path = p.path[:max(i, 0)]
	return i > 0
}

// excuses reports whether a missing path has no consequence.
func (f *family) excuses(p familyPath) bool {
	return f.hasBeside(p) || p.version == "" && f.found[p]
}

// has reports whether a path, a parent of it, or a path in it is a module.
func (f *family) has(p familyPath) bool { return f.found[p] || f.hasBeside(p) }

// hasBeside reports whether one that a path is in, or one in it is. That the path itself
// is one makes not having it a failure of a proxy: another was asked for it.
func (f *family) hasBeside(p familyPath) bool {
	if f.above[p] {
		return true
	}
	for p.up() {
		if f.found[p] {
			return true
		}
	}
	return false
}
