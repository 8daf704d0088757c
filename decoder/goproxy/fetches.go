package goproxy

import (
	"net/url"
	"slices"
)

// Fetch is a finished exchange with a module proxy, a checksum database or an HTTP
// proxy, or one for the page that names the repository of a module.
type Fetch struct {
	Process  int
	Conn     string
	Stream   uint32
	URL      string // the authority, if Connect
	Connect  bool   // the method is CONNECT
	Proxy    string // entry of GOPROXY, empty if unknown
	Redirect string // Location, or empty
	Status   int    // 0: no response
	// Failed says that the exchange failed. Class says how, and may be empty.
	Failed bool
	Class  string
	Request
}

const (
	// maxFetches and maxFetchBytes bound the size of a Fetches.
	maxFetches    = 8192
	maxFetchBytes = 2 << 20
	// maxNamed bounds the exchanges that a complaint names.
	maxNamed = 8
	// maxEarly bounds the complaints that wait for their exchange, and maxAway the
	// remembered redirects.
	maxEarly = 64
	maxAway  = 64
)

// Fetches remembers exchanges, so that later complaints of go commands find them. The
// zero value is ready to use.
type Fetches struct {
	list  []Fetch // oldest first
	bytes int
	early []early // complaints about exchanges that are not finished
	away  []away  // the latest redirects
}

// away is the target of a redirect, for a process.
type away struct {
	process int
	url     string
}

type early struct {
	process   int
	complaint Complaint
}

// Add takes a finished exchange. If a go command has complained before about the
// checksum of its content, Add returns that complaint.
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

// Of returns the exchanges of a process that a complaint is about, the oldest first.
// These have the URL that it names, or else its module and the same failure, or are
// redirects of those. If none of them failed, Of returns the last that may be meant.
func (f *Fetches) Of(process int, c *Complaint) []Fetch {
	named := f.last(process, maxNamed, c.IsOf)
	if named == nil && c.Class == "checksum" && c.Version != "" && len(f.early) < maxEarly {
		f.early = append(f.early, early{process, *c})
	}
	if named == nil {
		named = f.last(process, 1, c.mayBeOf)
	}
	if named == nil && c.Class == "protocol" && c.Path == "" && c.URL == "" {
		// An invalid zip; the message does not name its module.
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

// last returns the last matching exchanges of a process, the oldest first.
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

// target returns the URL of a redirect, or "".
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

// End drops what belongs to a process that has exited.
func (f *Fetches) End(process int) {
	f.list = slices.DeleteFunc(f.list, func(one Fetch) bool { return one.Process == process })
	f.bytes = 0
	for i := range f.list {
		f.bytes += len(f.list[i].URL)
	}
	f.early = slices.DeleteFunc(f.early, func(e early) bool { return e.process == process })
	f.away = slices.DeleteFunc(f.away, func(a away) bool { return a.process == process })
}
