package report

import (
	"fmt"
	"time"

	"h2trace/export/scan"
)

// repeated finds what several processes of a run fetched, each for itself.
type repeated struct {
	zips  map[string]*fetches // of this run, by proxy, module and version
	pids  map[int64]bool      // that fetched one again
	again int64
	bytes int64
	took  time.Duration
	// times is how often the most fetched one was.
	times   int64
	example string
}

// fetches counts the fetches of a zip.
type fetches struct {
	pid   int64 // of the first
	count int64
	more  bool // another process did, too
}

// exchange takes a request for a module. What one process asks for again is a retry. What a
// module proxy asks another one for is not what its client asks it for.
func (r *repeated) exchange(proxy string, x *exchangeEvent) {
	if !scan.Is(x.kind, "zip") || x.status != 200 || x.class != nil {
		return
	}
	name := scan.Text(x.path) + "@" + scan.Text(x.version)
	key := proxy + " " + name
	f := r.zips[key]
	if f == nil {
		put(&r.zips, key, &fetches{pid: x.pid, count: 1})
		return
	}
	if x.pid == f.pid {
		return
	}
	if !f.more {
		f.more = true
		put(&r.pids, f.pid, true)
	}
	put(&r.pids, x.pid, true)
	r.again++
	r.bytes += x.bytes
	r.took += x.phases[phaseTotal]
	if f.count++; f.count > r.times {
		r.times, r.example = f.count, name
	}
}

// end ends a run: the next one has caches of its own.
func (r *repeated) end() { clear(r.zips) }

func (r *repeated) evidence() []string {
	if r.again == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d processes fetched the same zips, %s %d times: a module cache that they share would save %.1f MB and %s of requests",
		len(r.pids), r.example, r.times, float64(r.bytes)/1e6, human(r.took))}
}
