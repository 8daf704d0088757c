package exchange

import (
	"unsafe"

	"h2trace/decoder/http1"
)

// Budget bounds the memory of all Trackers and Conns that share it, also that of package
// http1 below them. A Tracker whose share is too large gives up its oldest exchanges. nil
// bounds nothing but each connection by itself.
type Budget = http1.Budget

// NewBudget returns a Budget of max bytes.
func NewBudget(max int64) *Budget { return http1.NewBudget(max) }

const (
	// openCost is the memory of an exchange without its texts, with its entries in
	// the list, the map and the heap of its Tracker.
	openCost = int32(unsafe.Sizeof(open{})) + 64
	// flowCost is the memory of its flow control.
	flowCost = int32(unsafe.Sizeof(flow{}) + unsafe.Sizeof(grants{}))
	// maxShare is the part of the budget that one connection may take.
	maxShare = 4
	// ownShare is the number of bytes that each connection may take in any case:
	// other connections give up theirs.
	ownShare = 16 << 10
	// maxMissed bounds the remembered streams that ended and whose beginning was not
	// seen.
	maxMissed = 1024
)

// charge charges the memory of an exchange to the budget, and gives up others if that is
// exceeded.
func (t *Tracker) charge(o *open) {
	t.pay(o, o.keeps())
	t.relieve(o)
}

// keeps returns the memory of an exchange.
func (o *open) keeps() int32 {
	cost := openCost + int32(len(o.Method)+len(o.URL)+len(o.TraceParent)+len(o.Redirect)+len(o.settings)) + o.Answer.keeps() + o.early
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

// relieve gives up exchanges until the budget suffices, the oldest first. It spares one
// exchange, which loses its texts if there is no other.
func (t *Tracker) relieve(o *open) {
	for t.keepsTooMuch() {
		oldest := t.all.oldest
		if oldest == o {
			oldest = o.newer
		}
		if oldest == nil {
			o.Method, o.URL, o.TraceParent, o.Redirect, o.settings, o.Answer, o.GRPC = "", "", "", "", "", Answer{}, nil
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
