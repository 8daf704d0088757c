package trace

import (
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/net/http2/hpack"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

const (
	// tablesAsked is how many tables of a connection are asked for at a time,
	// and maxAsks how often before it is given up.
	tablesAsked = 8
	maxAsks     = 32
	// keptTables and keptEntries bound the tables that wait for the block they
	// belong to; few tables have a hundred entries.
	keptTables  = 256
	keptEntries = 32 << 10
	// maxEarly bounds the blocks that wait for their connection.
	maxEarly = 64
	// idleHits and vainHits are how often the probes may be hit for nothing
	// before they go: when no connection is known that would want them, and
	// when there is one. They cost 0.6 µs a hit.
	idleHits = 10_000
	vainHits = 200_000
	// beginInterval is the least time from one begin to the next.
	beginInterval = time.Second
)

// recovery gives connections their header tables that were built before the
// capture, or in bytes that were lost. The probes for that are attached while
// there is a connection that wants one.
type recovery struct {
	kernel kernel
	msg    *message.Printer
	paths  func() []string // of the executables that targets run

	conns  map[uint64]*tracedConn // that want tables
	tables map[uint64]*bpf.Table  // sent, by ID, until their blocks come
	early  []bpf.Block            // blocks of connections that did not open yet
	held   int                    // bytes of records and packets, see maxAllHeld

	on      bool // the probes are attached, or about to be
	resting bool // attached for connections that were not heard of yet
	since   time.Time
	useful  bool          // a connection came or went since the hits were counted
	hits    uint64        // by then
	working chan struct{} // closed when the last begin or end is done
}

func newRecovery(k kernel, msg *message.Printer, paths func() []string) *recovery {
	done := make(chan struct{})
	close(done)
	return &recovery{
		kernel:  k,
		msg:     msg,
		paths:   paths,
		conns:   make(map[uint64]*tracedConn),
		tables:  make(map[uint64]*bpf.Table),
		working: done,
	}
}

// prepare has what the probes take loaded, beside the reading of records, so that
// it is there when bytes are lost. An error comes again with begin.
func (r *recovery) prepare() {
	done := make(chan struct{})
	r.working = done
	go func() {
		defer close(done)
		_ = r.kernel.PrepareRecovery()
	}()
}

// await attaches the probes with those of processes that run already, whose
// connections are not known yet.
func (r *recovery) await() error {
	r.on, r.resting, r.since = true, true, time.Now()
	return r.kernel.BeginRecovery(nil)
}

// want enters a connection whose tables and windows are not known.
func (r *recovery) want(c *tracedConn) {
	if c.missing == nil {
		c.missing = &missingState{}
	}
	r.conns[c.id] = c
	r.useful = true
	r.begin() // what follows in the same record is held for its table
	c.missing.windows = missingWindows{}
	c.askMissing(true)
}

// askAll asks for the tables of a connection that are missing, and for windows.
func (r *recovery) askAll(c *tracedConn, windows bool) error {
	var err error
	if windows {
		err = r.askWindows(c)
	}
	return errors.Join(err, r.ask(c))
}

// begin attaches the probes unless they are, or were a moment ago.
func (r *recovery) begin() {
	if r.on || r.atWork() || len(r.conns) == 0 || time.Since(r.since) < beginInterval {
		return
	}
	r.on, r.since = true, time.Now()
	paths := r.paths()
	r.work(func() error { return r.kernel.BeginRecovery(paths) })
}

// atWork reports whether probes are being attached or detached.
func (r *recovery) atWork() bool {
	select {
	case <-r.working:
		return false
	default:
		return true
	}
}

// ask tells the kernel which tables of c are wanted.
func (r *recovery) ask(c *tracedConn) error {
	m := c.missing
	m.used = [2]int{}
	m.asks++
	var tables [2]uint32
	for d := range tables {
		if m.asks <= maxAsks && !c.decoder.TableKnown(decoder.Direction(d)) {
			tables[d] = tablesAsked
		}
	}
	if tables == [2]uint32{} && c.windowsSettled() {
		r.leave(c)
		return nil
	}
	_, err := r.kernel.Wish(c.id, bpf.Wish{Tables: &tables})
	return err
}

// leave drops a connection that wants no tables any more.
func (r *recovery) leave(c *tracedConn) {
	if c.missing == nil {
		return
	}
	c.release()
	c.missing = nil
	c.decoder.ForgoWindows()
	delete(r.conns, c.id)
	r.useful = true
	c.table.requests.left = append(c.table.requests.left, c.id)
}

// table takes a table that the kernel copied.
func (r *recovery) table(t *bpf.Table) {
	if t.Dir == bpf.Send {
		for len(r.tables) == keptTables || r.entries()+len(t.Entries) > keptEntries {
			delete(r.tables, slices.Min(slices.Collect(maps.Keys(r.tables))))
		}
		own := *t
		r.tables[t.ID] = &own
		return
	}
	c := r.conns[t.Conn]
	if c == nil {
		return
	}
	if t.Consistent {
		c.received(t)
	}
	r.used(c, bpf.Recv)
}

// entries returns how many there are in the tables that wait.
func (r *recovery) entries() int {
	n := 0
	for _, t := range r.tables {
		n += len(t.Entries)
	}
	return n
}

// block takes the frame that a table is for. It may be the first that its
// connection is heard of; then it waits for that to open.
func (r *recovery) block(b *bpf.Block) {
	c := r.conns[b.Conn]
	if b.Conn == 0 {
		if len(r.early) == maxEarly {
			r.early = append(r.early[:0], r.early[1:]...)
		}
		r.early = append(r.early, *b)
		return
	}
	if c == nil {
		delete(r.tables, b.ID)
		return
	}
	r.blockOf(c, b)
}

// opened gives a connection the blocks that were reported before it opened.
func (r *recovery) opened(c *tracedConn, ptr uint64) {
	r.early = slices.DeleteFunc(r.early, func(b bpf.Block) bool {
		if b.PID != c.meta.PID || !slices.Contains(b.Behind[:], ptr) {
			return false
		}
		if c.missing != nil {
			r.blockOf(c, &b)
		}
		return true
	})
}

func (r *recovery) blockOf(c *tracedConn, b *bpf.Block) {
	t := r.tables[b.ID]
	delete(r.tables, b.ID)
	if t != nil && t.Consistent {
		s := decoder.Snapshot{
			Entries:        fields(t.Entries),
			MaxSize:        t.MaxSize,
			Fragment:       b.Fragment,
			FragmentLength: b.FragmentLength,
			StreamID:       b.Stream,
			Fields:         int(b.Fields),
			Size:           b.Size,
		}
		c.recover(b.Time, bpf.Send, s)
	}
	r.used(c, bpf.Send)
}

// used asks for more tables when those asked for are used up.
func (r *recovery) used(c *tracedConn, dir int) {
	if c.missing == nil {
		return
	}
	if c.missing.used[dir]++; c.missing.used[dir] >= tablesAsked {
		c.askMissing(false)
	}
}

// tick feeds what was held for too long, lets go of the connections that want
// nothing any more, and attaches and detaches the probes.
func (r *recovery) tick(now ktime.Time, idle bool) error {
	for _, c := range r.conns {
		c.releaseOld(now)
		if idle && c.missing != nil && !c.decoder.Holds() {
			c.decoder.Quiet(int64(now))
		}
		if c.settled() {
			r.leave(c)
		}
	}
	if r.begin(); !r.on || r.atWork() {
		return nil
	}
	over, err := r.over()
	if over {
		r.end()
	}
	return err
}

// over reports whether the probes have done what they were attached for, or
// have not for too long.
func (r *recovery) over() (bool, error) {
	if len(r.conns) == 0 && !r.resting {
		return true, nil
	}
	hits, err := r.kernel.RecoveryHits()
	if err == nil && r.useful {
		r.hits, r.useful = hits, false
	}
	if len(r.conns) == 0 {
		return hits-r.hits > idleHits, err
	}
	return hits-r.hits > vainHits, err
}

func (r *recovery) end() {
	r.on, r.resting = false, false
	for _, c := range r.conns {
		r.leave(c)
	}
	clear(r.tables)
	r.early = nil
	r.work(r.kernel.EndRecovery)
}

// work runs f beside the reading of records: it takes milliseconds.
func (r *recovery) work(f func() error) {
	done := make(chan struct{})
	r.working = done
	go func() {
		defer close(done)
		if err := f(); err != nil {
			r.msg.Errorf("%v", err)
		}
	}()
}

// wait returns when what was begun is done.
func (r *recovery) wait() { <-r.working }

func fields(entries []bpf.TableEntry) []hpack.HeaderField {
	list := make([]hpack.HeaderField, len(entries))
	for i, e := range entries {
		list[i] = hpack.HeaderField{Name: e.Name, Value: e.Value}
	}
	return list
}
