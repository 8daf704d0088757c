package goproxy

import (
	"net/url"
	"slices"
)

// Fetch is an exchange with a module proxy or a checksum database that is over, or
// one for the page that names the repository of a module, or with an HTTP proxy.
type Fetch struct {
	Process  int
	Conn     string
	Stream   uint32
	URL      string // of a CONNECT the authority
	Connect  bool   // it is one
	Proxy    string // entry of GOPROXY, empty where that is not known
	Redirect string // Location, or empty
	Status   int    // 0: no response
	// Failed says that it went wrong, and Class how; that may be empty.
	Failed bool
	Class  string
	Request
}

const (
	// maxFetches and maxFetchBytes bound what a Fetches remembers.
	maxFetches    = 8192
	maxFetchBytes = 2 << 20
	// maxNamed bounds how many of them a complaint is said to speak of.
	maxNamed = 8
	// maxEarly bounds the complaints that wait for their exchange, and maxAway the
	// redirects that are looked out for.
	maxEarly = 64
	maxAway  = 64
)

// Fetches remembers exchanges for what go commands say of them later. The zero
// value is ready.
type Fetches struct {
	list  []Fetch // oldest first
	bytes int
	early []early // complaints of exchanges that are not over
	away  []away  // where exchanges were redirected to, the last ones
}

// away is where an exchange of a process was redirected to.
type away struct {
	process int
	url     string
}

type early struct {
	process   int
	complaint Complaint
}

// Add takes an exchange that is over. If a go command has said before that what
// came does not have the right checksum, Add returns that.
func (f *Fetches) Add(one *Fetch) *Complaint {
	if len(f.list) == maxFetches || f.bytes > maxFetchBytes {
		half := len(f.list) / 2
		for i := range half {
			f.bytes -= len(f.list[i].URL)
		}
		f.list = slices.Delete(f.list, 0, half)
	}
	f.list = append(f.list, *one)
	f.bytes += len(one.URL)
	if to := one.target(); to != "" {
		if len(f.away) == maxAway {
			f.away = slices.Delete(f.away, 0, 1)
		}
		f.away = append(f.away, away{one.Process, to})
	}
	for i, e := range f.early {
		if e.process == one.Process && !one.Failed && e.complaint.IsOf(one) {
			f.early = slices.Delete(f.early, i, i+1)
			return &e.complaint
		}
	}
	return nil
}

// Of returns the exchanges of a process that a complaint speaks of, the oldest
// first: those for the URL that it names, or else those for the module that went
// wrong in the way that it tells; and what these were redirected to. Where none
// went wrong by what was seen it is the last one that it may speak of.
func (f *Fetches) Of(process int, c *Complaint) []Fetch {
	named := f.last(process, maxNamed, c.IsOf)
	if named == nil && c.Class == "checksum" && c.Version != "" && len(f.early) < maxEarly {
		f.early = append(f.early, early{process, *c})
	}
	if named == nil {
		named = f.last(process, 1, c.mayBeOf)
	}
	if named == nil && c.Class == "protocol" && c.Path == "" && c.URL == "" {
		// A zip that is none, and its module is not named.
		zips := f.last(process, 2, func(one *Fetch) bool { return one.Kind == Zip && one.Status == 200 })
		if len(zips) == 1 {
			named = zips
		}
	}
	for i := 0; i < len(named) && len(named) < maxNamed; i++ {
		if to := named[i].target(); to != "" {
			next := f.last(process, 1, func(one *Fetch) bool { return one.URL == to })
			named = append(named, next...)
		}
	}
	return named
}

// last returns the last exchanges of a process that are so, the oldest first.
func (f *Fetches) last(process, limit int, so func(*Fetch) bool) (list []Fetch) {
	for i := len(f.list) - 1; i >= 0 && len(list) < limit; i-- {
		if one := &f.list[i]; one.Process == process && so(one) {
			list = append(list, *one)
		}
	}
	slices.Reverse(list)
	return list
}

// Awaits reports whether an exchange of the process was redirected to a URL.
func (f *Fetches) Awaits(process int, url string) bool {
	return slices.Contains(f.away, away{process, url})
}

// target returns the URL that an exchange was redirected to, or "".
func (f *Fetch) target() string {
	if f.Redirect == "" {
		return ""
	}
	from, err := url.Parse(f.URL)
	if err != nil {
		return ""
	}
	to, err := from.Parse(f.Redirect)
	if err != nil {
		return ""
	}
	return to.String()
}

// End forgets a process, of which nothing more comes.
func (f *Fetches) End(process int) {
	f.list = slices.DeleteFunc(f.list, func(one Fetch) bool { return one.Process == process })
	f.bytes = 0
	for i := range f.list {
		f.bytes += len(f.list[i].URL)
	}
	f.early = slices.DeleteFunc(f.early, func(e early) bool { return e.process == process })
	f.away = slices.DeleteFunc(f.away, func(a away) bool { return a.process == process })
}
