package report

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// vain counts the addresses of a server that a process tried in vain, before another one
// answered (RFC 8305).
type vain struct {
	count           int64
	lost            time.Duration // until the process went on
	remote, instead string        // of the longest
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
	if u.gaveUp {
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
		v.longest, v.remote, v.instead = lost, u.remote, to.remote
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
		what := "an address that does not answer"
		if failed, err := netip.ParseAddrPort(v.remote); err == nil && failed.Addr().Is6() {
			if other, err := netip.ParseAddrPort(v.instead); err == nil && other.Addr().Is4() {
				what = "IPv6 is broken"
			}
		}
		list = append(list, fmt.Sprintf("%s: %s was tried in vain before %s answered, which cost %s in %s", what, v.remote, v.instead,
			human(v.lost), several(v.count, "connection", "connections")))
	}
	return list
}
