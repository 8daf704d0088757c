package report

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// dialEnd is how an attempt to connect ended.
type dialEnd uint8

const (
	refused  dialEnd = iota // with an error
	unheard                 // without an answer
	overtook                // another address answered first: this one may be slow
)

// dialEndOf returns how an attempt ended, by the detail of its error.
func dialEndOf(detail string) dialEnd {
	switch {
	case detail == "given up by the process":
		return overtook
	case strings.HasPrefix(detail, "ETIMEDOUT"):
		return unheard
	}
	return refused
}

// alike reports whether two addresses are of one server: those of a name are. Without a name
// only those of localhost are known to be.
func (u *failedDial) alike(to *reached) bool {
	if !strings.HasPrefix(u.peer, ":") {
		return true
	}
	a, err := netip.ParseAddrPort(u.remote)
	b, otherErr := netip.ParseAddrPort(to.remote)
	return err == nil && otherErr == nil && a.Addr().IsLoopback() && b.Addr().IsLoopback()
}

// vain counts the addresses of a server that a process tried in vain, before another one
// answered (RFC 8305).
type vain struct {
	count           int64
	lost            time.Duration // until the process went on
	remote, instead string        // of the longest
	why             dialEnd       // likewise
	longest         time.Duration
}

// maxVain bounds the servers of which this is counted.
const maxVain = 64

// vains holds them by peer.
type vains map[string]*vain

// add takes a failed attempt. Of one that the process gave up, when another address had
// answered, the time of that other one is not lost.
func (l *vains) add(u *failedDial, to *reached) {
	lost := u.took
	if u.why == overtook {
		lost = max(0, lost-to.took)
	}
	v := (*l)[u.peer]
	if v == nil {
		if len(*l) == maxVain {
			return
		}
		v = &vain{}
		put((*map[string]*vain)(l), u.peer, v)
	}
	v.count++
	v.lost += lost
	if lost >= v.longest {
		v.longest, v.remote, v.instead, v.why = lost, u.remote, to.remote, u.why
	}
}

// littleLost is the time below which an address that fails at once costs nobody anything.
const littleLost = 20 * time.Millisecond

func (l vains) evidence() (list []string) {
	for _, peer := range slices.Sorted(maps.Keys(l)) {
		v := l[peer]
		if v.lost < littleLost {
			continue
		}
		what := v.what()
		list = append(list, fmt.Sprintf("%s: %s was tried in vain before %s answered, which cost %s in %s", what, v.remote, v.instead,
			human(v.lost), several(v.count, "connection", "connections")))
	}
	return list
}

// what says what is wrong with the address. One that refuses is there.
func (v *vain) what() string {
	if v.why == refused {
		return "an address that fails"
	}
	failed, err := netip.ParseAddrPort(v.remote)
	other, otherErr := netip.ParseAddrPort(v.instead)
	switch six := err == nil && otherErr == nil && failed.Addr().Is6() && other.Addr().Is4(); {
	case six && v.why == overtook:
		return "IPv6 is broken, or slow"
	case six:
		return "IPv6 is broken"
	case v.why == overtook:
		return "an address that does not answer, or slowly"
	}
	return "an address that does not answer"
}
