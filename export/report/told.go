package report

import (
	"fmt"
	"maps"
	"slices"
)

// told holds the modules that were asked for directly after a proxy was asked for them, and
// did not have them, by proxy.
type told map[string][]string

// maxTold bounds the proxies, and the modules of each.
const maxTold = 16

func (t *told) add(proxy, path string) {
	list := (*t)[proxy]
	if path == "" || len(list) == maxTold || list == nil && len(*t) == maxTold || slices.Contains(list, path) {
		return
	}
	put((*map[string][]string)(t), proxy, append(list, path))
}

func (t told) evidence(proxies *proxyTable) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if p := proxies.values[name]; p != nil && p.links.inside && len(p.via) == 0 {
			continue // it is of the same house
		}
		paths := t[name]
		slices.Sort(paths)
		more := ""
		if len(paths) > 1 {
			more = fmt.Sprintf(" and %d more", len(paths)-1)
		}
		private := (&trouble{path: paths[0]}).private()
		list = append(list, fmt.Sprintf("%s was asked for %s%s, which it does not have, and git or alike was asked then: if private, %s keeps the name from it", name, paths[0], more, private))
	}
	return list
}
