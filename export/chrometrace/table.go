package chrometrace

import "github.com/hashicorp/golang-lru/v2/simplelru"

// table holds what is open, and not more than so many: the one that was used least lately goes.
type table[K comparable, V any] struct {
	lru *simplelru.LRU[K, V]
}

// init makes an empty table. ended gets what goes.
func (t *table[K, V]) init(size int, ended func(V)) {
	t.lru, _ = simplelru.NewLRU(size, func(_ K, v V) { ended(v) }) // it fails for no size alone
}

// clear removes all, the oldest first.
func (t *table[K, V]) clear() {
	for t.lru.Len() > 0 {
		t.lru.RemoveOldest()
	}
}
