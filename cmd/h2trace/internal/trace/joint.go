package trace

import (
	"time"

	"h2trace/bpf"
	"h2trace/decoder/tls/record"
)

// joint is what is known of a connection whose keys are to be found in memory.
type joint struct {
	spots  []bpf.Spot
	waited time.Duration
	reads  int  // how often its keys were taken
	missed bool // a record was not opened with them
	late   bool // its handshake was seen, but not its secrets
}

// The reasons why most such connections are not opened.
const (
	notFound      = "open before, and its keys were not found"
	wrongKeys     = "open before, and the keys that were found open no record of it"
	lateNotFound  = "its handshake was before the probes, and its keys were not found"
	lateWrongKeys = "its handshake was before the probes, and the keys that were found open no record of it"
)

// lacks returns why nothing is opened while the keys are waited for.
func (n *joint) lacks() string {
	switch {
	case n.late && n.reads > 0:
		return lateWrongKeys
	case n.late:
		return lateNotFound
	case n.reads > 0:
		return wrongKeys
	}
	return notFound
}

// inVain reports whether keys were taken that opened no record.
func (t *tlsConn) inVain() bool {
	n := t.joint
	return n != nil && n.reads > 0 && n.missed && !t.Proven()
}

// wipe zeroes the keys.
func (n *joint) wipe() {
	forgetSpots(n.spots)
	n.spots = nil
}

// forgetSpots zeroes the keys of spots.
func forgetSpots(spots []bpf.Spot) {
	for i := range spots {
		forgetKeys(spots[i].State)
	}
}

// lowest returns the tls.Conn with no other below it, and the one above that; each may be
// nil.
func (n *joint) lowest() (lowest, above *bpf.Spot) {
	for i := range n.spots {
		s := &n.spots[i]
		if s.Direct || lowest == nil {
			lowest = s
		}
	}
	for i := range n.spots {
		s := &n.spots[i]
		if s == lowest || s.State == nil {
			continue
		}
		if s.State.Below == lowest.Ptr {
			above = s
		} else if lowest.State != nil && lowest.State.Below == s.Ptr {
			lowest, above = s, lowest
		}
	}
	return lowest, above
}

// forgetKeys zeroes and forgets the keys of a state, which may be nil.
func forgetKeys(s *bpf.TLSState) {
	if s != nil {
		s.Wipe()
		s.Keys = [2]bpf.TLSKeys{}
	}
}

// isWhole reports whether a state says all that there is to know: its keys are not
// forgotten.
func isWhole(s *bpf.TLSState) bool {
	return s != nil && (s.Unread != "" || len(s.Keys[bpf.Send].Secret)+len(s.Keys[bpf.Send].Key) > 0)
}

// readersOf returns the Readers of both directions. After an error they are wiped.
func readersOf(s *bpf.TLSState) (readers [2]*record.Reader, err error) {
	suite, _ := record.SuiteByID(s.Cipher)
	for d := range readers {
		k := &s.Keys[d]
		if len(k.Secret) > 0 {
			readers[d], err = record.NewTLS13(suite, k.Secret)
		} else {
			readers[d], err = record.NewKey(record.Version(s.Version), suite, k.Key, k.IV)
		}
		if err != nil {
			for _, r := range readers[:d] {
				r.Wipe()
			}
			return readers, err
		}
		readers[d].SetNumber(k.Number)
	}
	return readers, nil
}
