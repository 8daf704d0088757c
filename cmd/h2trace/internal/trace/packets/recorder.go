package packets

import (
	"fmt"
	"io"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/decoder/ktime"
	"h2trace/export/pcap"
)

// Source is where packets come from: a bpf.Capture.
type Source interface {
	Read() (*bpf.Captured, error)
	Wait(timeout time.Duration) error
	Crowded() bool
	Losses() (map[int]bpf.Uncaptured, error)
}

// Files is where packets go to.
type Files interface {
	io.Writer
	// Full reports whether a file of this many bytes is to be followed by another one, and
	// Next begins that.
	Full(size int64) bool
	Next() error
}

// Options say what is written.
type Options struct {
	To          Files
	Secrets     bool // and the session secrets
	Application string
}

const (
	// patience is how long a packet waits for secrets.
	patience = time.Second
	// interval is how often the Recorder looks for packets, and writes what it has.
	interval = 50 * time.Millisecond
)

// Recorder writes packets. Its board is for the reader of events.
type Recorder struct {
	board
	opts   Options
	source Source
	clock  ktime.Clock
	now    func() ktime.Time
	msg    *message.Printer
	w      *pcap.Writer
	sheet  sheet
	flows  flows
	began  ktime.Time
	ending chan struct{} // closed when all events are read
	ended  chan struct{} // closed when all packets are written
	total  Totals
	err    error
}

// Totals counts packets.
type Totals struct{ Written, Lost uint64 }

// New returns a Recorder. Start starts it.
func New(opts Options, source Source, clock ktime.Clock, now func() ktime.Time, msg *message.Printer) *Recorder {
	return &Recorder{
		board: newBoard(), opts: opts, source: source, clock: clock, now: now, msg: msg,
		w: pcap.NewWriter(opts.To), flows: newFlows(), began: now(),
		ending: make(chan struct{}), ended: make(chan struct{}),
	}
}

// Start begins to write packets.
func (r *Recorder) Start() {
	r.begin()
	go func() {
		defer close(r.ended)
		if r.err = r.run(); r.err != nil {
			r.msg.Infof("the observation goes on without packets: %v", r.err)
		}
	}()
}

// Finish writes the packets that are left, after all events are read. It returns the totals.
func (r *Recorder) Finish() (Totals, error) {
	close(r.ending)
	<-r.ended
	return r.total, r.err
}

// run writes packets until there are no more.
func (r *Recorder) run() error {
	for {
		p, err := r.source.Read()
		switch {
		case err != nil:
			return err
		case p != nil:
			err = r.record(p)
		case r.isEnding():
			return r.end()
		default:
			if err = r.w.Flush(); err == nil {
				err = r.source.Wait(interval)
			}
		}
		if err != nil {
			return err
		}
	}
}

func (r *Recorder) isEnding() bool {
	select {
	case <-r.ending:
		return true
	default:
		return false
	}
}

// record writes a packet, when it is time to.
func (r *Recorder) record(p *bpf.Captured) error {
	h, known := parse(p.Bytes)
	if known && r.flows.isCopy(&h.path, p.Dir) {
		return nil
	}
	f := r.flows.of(p, &h)
	if err := r.await(p, f); err != nil {
		return err
	}
	if r.opts.To.Full(r.w.Size()) {
		if err := r.next(); err != nil {
			return err
		}
	}
	r.writeSecrets()
	r.write(p)
	if f != nil && f.over {
		r.forget(p.Socket)
	}
	return r.w.Err()
}

// await waits until a packet can be written.
func (r *Recorder) await(p *bpf.Captured, f *flow) error {
	until := p.Time.Add(patience)
	for !r.isReady(p, f) && !r.isEnding() && r.now() < until && !r.source.Crowded() {
		if err := r.w.Flush(); err != nil {
			return err
		}
		r.awaited.Store(true)
		select {
		case <-r.changed:
		case <-r.ending:
		case <-time.After(interval):
		}
		r.awaited.Store(false)
	}
	return nil
}

// isReady reports whether everything is known that stands before a packet in the file.
func (r *Recorder) isReady(p *bpf.Captured, f *flow) bool {
	if ktime.Time(r.until.Load()) < p.Time {
		return false
	}
	return !r.opts.Secrets || f == nil || !f.answered || r.has(f.random)
}

// write writes a packet.
func (r *Recorder) write(p *bpf.Captured) {
	way := pcap.Outbound
	if p.Dir == bpf.Recv {
		way = pcap.Inbound
	}
	i := r.interfaceOf(p)
	i.written++
	r.total.Written++
	r.w.Packet(&pcap.Packet{
		Interface: i.number, Time: r.wall(p.Time), Length: len(p.Bytes), Bytes: p.Bytes,
		Direction: way, Comment: r.takeName(p.Socket),
	})
}

func (r *Recorder) wall(t ktime.Time) int64 { return r.clock.Wall(t).UnixNano() }

// writeSecrets writes the secrets that have come.
func (r *Recorder) writeSecrets() {
	if !r.opts.Secrets {
		return
	}
	if lines := r.take(nil); len(lines) > 0 {
		r.w.Secrets(lines)
		clear(lines)
	}
}

// end completes the file.
func (r *Recorder) end() error {
	r.writeSecrets()
	if err := r.countLost(); err != nil {
		return err
	}
	r.statistics()
	return r.w.Flush()
}

// next begins another file: with the secrets of the connections that are open.
func (r *Recorder) next() error {
	if err := r.countLost(); err != nil {
		return err
	}
	r.statistics()
	if err := r.w.Flush(); err != nil {
		return err
	}
	if err := r.opts.To.Next(); err != nil {
		return fmt.Errorf("begin another file: %w", err)
	}
	r.begin()
	return nil
}
