package goproxy

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Fetch is an exchange with a module proxy or a checksum database that is over.
type Fetch struct {
	Process int
	Conn    string
	Stream  uint32
	URL     string
	Proxy   string // entry of GOPROXY, empty where that is not known
	Status  int    // 0: no response
	Failed  bool
	Request
}

const (
	// maxFetches and maxFetchBytes bound what a Fetches remembers.
	maxFetches    = 8192
	maxFetchBytes = 2 << 20
	// maxNamed bounds how many of them a complaint is said to speak of.
	maxNamed = 8
	// maxEarly bounds the complaints that wait for their exchange.
	maxEarly = 64
)

// Fetches remembers exchanges for what go commands say of them later. The zero
// value is ready.
type Fetches struct {
	list  []Fetch // oldest first
	bytes int
	early []early // complaints of exchanges that are not over
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
// wrong in the way that it tells.
func (f *Fetches) Of(process int, c *Complaint) []Fetch {
	var named []Fetch
	for i := len(f.list) - 1; i >= 0 && len(named) < maxNamed; i-- {
		if one := &f.list[i]; one.Process == process && c.IsOf(one) {
			named = append(named, *one)
		}
	}
	slices.Reverse(named)
	if named == nil && c.Class == "checksum" && c.Version != "" && len(f.early) < maxEarly {
		f.early = append(f.early, early{process, *c})
	}
	return named
}

// End forgets a process, of which nothing more comes.
func (f *Fetches) End(process int) {
	f.list = slices.DeleteFunc(f.list, func(one Fetch) bool { return one.Process == process })
	f.bytes = 0
	for i := range f.list {
		f.bytes += len(f.list[i].URL)
	}
	f.early = slices.DeleteFunc(f.early, func(e early) bool { return e.process == process })
}

// streamIn finds the stream in an error of net/http.
var streamIn = regexp.MustCompile(`stream ID (\d+);`)

// IsOf reports whether a complaint speaks of an exchange.
func (c *Complaint) IsOf(one *Fetch) bool {
	switch {
	case c.AtProxy:
		return false // there was none
	case c.URL != "":
		return one.Failed && sameURL(c.URL, one.URL)
	case c.Path == "" || c.Path != one.Path || c.Version != one.Version:
		return false
	case c.Class == "checksum":
		return !one.Failed && one.Status == 200 && (one.Kind == c.verified() || one.Kind == SumDBLookup && c.OfSumDB)
	case c.Class == "protocol":
		return one.Kind == Zip && one.Status == 200
	}
	if m := streamIn.FindStringSubmatch(c.Detail); m != nil {
		return m[1] == strconv.FormatUint(uint64(one.Stream), 10)
	}
	return one.Failed
}

// verified returns what a checksum is of: go.mod, or all of the module.
func (c *Complaint) verified() Kind {
	if strings.Contains(c.Detail, "verifying go.mod") || strings.Contains(c.Detail, "@"+c.Version+"/go.mod") {
		return Mod
	}
	return Zip
}

// sameURL compares URLs without the credentials that one of them may have.
func sameURL(a, b string) bool {
	if a == b {
		return true
	}
	x, err := url.Parse(a)
	if err != nil {
		return false
	}
	y, err := url.Parse(b)
	if err != nil {
		return false
	}
	return site(x) == site(y) && pathOf(x) == pathOf(y) && x.RawQuery == y.RawQuery
}
