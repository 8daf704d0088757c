package proxies

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// smallList is what to download where the user names nothing: some well-known modules, from
// one of a few files to one of 10 MB.
var smallList = []module.Version{
	{Path: "rsc.io/quote", Version: "v1.5.2"},
	{Path: "github.com/google/go-cmp", Version: "v0.6.0"},
	{Path: "golang.org/x/text", Version: "v0.21.0"},
}

// readModules reads a list of modules from a file.
func readModules(name string) ([]module.Version, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, &InputError{err.Error()}
	}
	list, err := parseModules(name, data)
	if err == nil && len(list) == 0 {
		err = inputf("%s names no module; it takes a go.mod, or lines such as golang.org/x/text@v0.21.0", name)
	}
	return list, err
}

// parseModules parses a go.mod, or lines of "path@version" or "path version".
func parseModules(name string, data []byte) ([]module.Version, error) {
	if filepath.Ext(name) == ".mod" {
		return parseGoMod(name, data)
	}
	var list []module.Version
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text, _, _ := strings.Cut(string(line), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "//") {
			continue
		}
		m, err := parseModule(fields)
		if err != nil {
			return nil, inputf("%s:%d: %v", name, number, err)
		}
		if !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list, nil
}

// parseModule parses the words of a line.
func parseModule(fields []string) (m module.Version, err error) {
	switch {
	case fields[0] == "module" || fields[0] == "require" || fields[0] == "go":
		return m, fmt.Errorf("this is a line of a go.mod; the name of such a file has to end in .mod")
	case len(fields) == 2:
		m = module.Version{Path: fields[0], Version: fields[1]}
	case len(fields) == 1:
		path, version, ok := strings.Cut(fields[0], "@")
		if !ok {
			return m, fmt.Errorf("%q has no version; write %s@v1.2.3, or @latest", path, path)
		}
		m = module.Version{Path: path, Version: version}
	default:
		return m, fmt.Errorf("%q is not path@version", strings.Join(fields, " "))
	}
	if err := module.CheckPath(m.Path); err != nil || m.Version == "latest" {
		return m, err
	}
	if module.CanonicalVersion(m.Version) != m.Version {
		return m, fmt.Errorf("%q is no version; it takes a whole one such as v1.2.3, or latest", m.Version)
	}
	return m, module.Check(m.Path, m.Version)
}

// parseGoMod returns the requirements of a go.mod, as it replaces them. What a directory
// replaces is not downloaded.
func parseGoMod(name string, data []byte) ([]module.Version, error) {
	f, err := modfile.Parse(name, data, nil)
	if err != nil {
		return nil, &InputError{err.Error()}
	}
	var list []module.Version
	for _, r := range f.Require {
		m := r.Mod
		for _, by := range f.Replace {
			if by.Old.Path == m.Path && (by.Old.Version == "" || by.Old.Version == m.Version) {
				m = by.New
			}
		}
		if m.Version == "" || slices.Contains(list, m) {
			continue
		}
		if err := module.Check(m.Path, m.Version); err != nil {
			return nil, inputf("%s: %v", name, err)
		}
		list = append(list, m)
	}
	return list, nil
}

// withoutPrivate takes out the modules that the go command fetches directly whatever GOPROXY
// says.
func withoutPrivate(list []module.Version, noproxy string) (rest []module.Version, private []string) {
	for _, m := range list {
		if module.MatchPrefixPatterns(noproxy, m.Path) {
			private = append(private, m.Path)
			continue
		}
		rest = append(rest, m)
	}
	return rest, private
}
