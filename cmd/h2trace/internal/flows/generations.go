package flows

// generations is a map that drops what was used least recently: when one half of the bound
// is used, what was not used meanwhile goes.
type generations[K comparable, V any] struct {
	young, old map[K]V
	most       int
}

func newGenerations[K comparable, V any](most int) generations[K, V] {
	return generations[K, V]{young: make(map[K]V), most: most}
}

// get returns a value, and keeps it. dropped are values that went meanwhile.
func (g *generations[K, V]) get(k K) (v V, ok bool, dropped map[K]V) {
	if v, ok = g.young[k]; ok {
		return v, true, nil
	}
	if v, ok = g.old[k]; ok {
		delete(g.old, k)
		dropped = g.put(k, v)
	}
	return v, ok, dropped
}

// peek returns a value, and does not keep it.
func (g *generations[K, V]) peek(k K) (v V, ok bool) {
	if v, ok = g.young[k]; !ok {
		v, ok = g.old[k]
	}
	return v, ok
}

// put enters a value.
func (g *generations[K, V]) put(k K, v V) (dropped map[K]V) {
	if len(g.young) >= g.most/2 {
		dropped = g.shed()
	}
	g.young[k] = v
	return dropped
}

// shed drops what was not used since the last time.
func (g *generations[K, V]) shed() (dropped map[K]V) {
	dropped, g.old, g.young = g.old, g.young, make(map[K]V)
	return dropped
}

func (g *generations[K, V]) remove(k K) {
	delete(g.young, k)
	delete(g.old, k)
}

func (g *generations[K, V]) all(f func(V)) {
	for _, m := range []map[K]V{g.old, g.young} {
		for _, v := range m {
			f(v)
		}
	}
}
