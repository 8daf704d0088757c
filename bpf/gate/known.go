package gate

const (
	// maxAttached is how many files with probes the gatekeeper answers for by itself.
	// For each of them h2trace keeps the probes in place.
	maxAttached = 32
	// maxPlain is the limit for files without probes, which cost only their names.
	// When it is reached all are forgotten.
	maxPlain = 8192
)

// knownFiles are those that need no question.
type knownFiles struct {
	plain    map[fileID]struct{}
	attached map[fileID]uint64 // time of the last use, by clock
	clock    uint64
}

func newKnownFiles() knownFiles {
	return knownFiles{plain: make(map[fileID]struct{}), attached: make(map[fileID]uint64)}
}

// has reports whether a file is known, and counts that as a use.
func (f *knownFiles) has(id fileID) bool {
	if _, ok := f.plain[id]; ok {
		return true
	}
	if _, ok := f.attached[id]; !ok {
		return false
	}
	f.use(id)
	return true
}

func (f *knownFiles) use(id fileID) {
	f.clock++
	f.attached[id] = f.clock
}

// forget drops all files, after a file system came or went. h2trace must not keep
// probes on one that is gone, and a new one can reuse its numbers.
func (f *knownFiles) forget(drop func(fileID) bool) {
	clear(f.plain)
	for id := range f.attached {
		if drop(id) {
			delete(f.attached, id)
		}
	}
}

func (f *knownFiles) addPlain(id fileID) {
	if len(f.plain) >= maxPlain {
		clear(f.plain)
	}
	f.plain[id] = struct{}{}
}

// addAttached enters a file with probes. While there are too many, it drops the least
// recently used. drop informs h2trace, which may then detach the probes, and returns
// false when the socket has no room.
func (f *knownFiles) addAttached(id fileID, drop func(fileID) bool) {
	f.use(id)
	for len(f.attached) > maxAttached {
		oldest := id
		for other, used := range f.attached {
			if used < f.attached[oldest] {
				oldest = other
			}
		}
		if !drop(oldest) {
			return
		}
		delete(f.attached, oldest)
	}
}
