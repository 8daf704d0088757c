package exchange

import "unsafe"

const (
	// openCost is what an exchange takes without its texts: with its places in
	// the list, the map and the heap of its Tracker.
	openCost = int32(unsafe.Sizeof(open{})) + 64
	// flowCost is what the flow control of one takes besides.
	flowCost = int32(unsafe.Sizeof(flow{}) + unsafe.Sizeof(grants{}))
	// maxShare is which part of the budget one connection may take.
	maxShare = 4
	// ownShare is what each connection may take in bytes, whatever others do: they
	// have to give up theirs.
	ownShare = 16 << 10
	// maxMissed bounds the streams remembered that ended, and of which the
	// beginning was not seen.
	maxMissed = 1024
)

// charge takes from the budget what an exchange keeps, and gives up others where
// that is too much.
func (t *Tracker) charge(o *open) {
	t.pay(o, o.keeps())
	t.relieve(o)
}

// keeps returns what an exchange takes.
func (o *open) keeps() int32 {
	cost := openCost + int32(len(o.Method)+len(o.URL)+len(o.Redirect)+len(o.RetryAfter)+len(o.settings)) + o.early
	if o.flow != nil {
		cost += flowCost
	}
	if o.GRPC != nil {
		cost += int32(len(o.GRPC.Message))
	}
	return cost
}

func (t *Tracker) pay(o *open, cost int32) {
	t.cost += int64(cost - o.cost)
	t.cfg.Budget.Add(int64(cost - o.cost))
	o.cost = cost
}

// relieve gives up exchanges where too much is kept, the oldest first, but for
// one: that loses its texts where there is no other.
func (t *Tracker) relieve(o *open) {
	for t.keepsTooMuch() {
		oldest := t.all.oldest
		if oldest == o {
			oldest = o.newer
		}
		if oldest == nil {
			o.Method, o.URL, o.Redirect, o.RetryAfter, o.settings, o.GRPC = "", "", "", "", "", nil
			t.pay(o, o.keeps())
			return
		}
		t.forget(oldest)
	}
}

func (t *Tracker) keepsTooMuch() bool {
	b := t.cfg.Budget
	return b != nil && (b.Over() && t.cost > ownShare || t.cost > b.Max()/maxShare)
}
