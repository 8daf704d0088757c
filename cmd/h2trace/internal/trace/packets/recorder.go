package packets

import (
	"errors"
	"fmt"
	"io"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/broker"
	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
	"h2trace/export"
	"h2trace/export/pcap"
)

// Source is where packets come from: a bpf.Capture.
type Source interface {
	Read() (*bpf.Captured, error)
	Wait(timeout time.Duration) error
	Finish() error // makes Wait return
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
	// TakeBack removes the last bytes that were written, after an error. Lacks says how many
	// packets are missing because of it.
	TakeBack(n int64) error
	Lacks(packets uint64)
}

// Options say what is written.
type Options struct {
	To      Files
	Secrets bool // and the session secrets
	// Executable returns the path of the program of a process.
	Executable func(pid int) (string, error)
	Clock      ktime.Clock
	Now        func() ktime.Time
	// Confine takes from the calling thread, which parses, what it needs no more; nil takes nothing.
	Confine func()
}

// interval is how often the Recorder looks for packets, and writes what it has.
const interval = 50 * time.Millisecond

// Recorder writes packets. Its board is for the reader of events.
type Recorder struct {
	board
	opts   Options
	source Source
	broker *broker.Broker // has the rights that Confine takes
	asks   asks
	msg    *message.Printer
	w      *pcap.Writer
	file   file
	flows  flows
	// silent holds processes whose secrets do not come: they are no Go programs.
	silent map[int]bool
	total  Totals
	// lost counts the packets lost by process, and counted those that a file says.
	lost, counted map[int]uint64
	ending        chan struct{} // closed when all events are read
	ended         chan struct{} // closed when all packets are written
	err           error
	// unopened says that the next file could not be begun.
	unopened bool
}

// Totals counts packets: Lost found no room in the buffer, Unwritten are missing because Files failed.
type Totals struct{ Written, Lost, Unwritten uint64 }

// New returns a Recorder. Start starts it.
func New(opts Options, source Source, msg *message.Printer) *Recorder {
	r := &Recorder{
		board: newBoard(opts.Secrets), opts: opts, msg: msg,
		w: pcap.NewWriter(opts.To), flows: newFlows(), silent: make(map[int]bool), lost: make(map[int]uint64), counted: make(map[int]uint64),
		ending: make(chan struct{}), ended: make(chan struct{}),
	}
	r.source = &inOrder{Source: source, ending: r.isEnding}
	if opts.Confine != nil {
		r.broker = broker.New()
	}
	r.asks = newAsks(r.broker, &r.opts, source)
	return r
}

// Start begins to write packets.
func (r *Recorder) Start() {
	r.begin()
	go func() {
		defer close(r.ended)
		yield()
		if r.opts.Confine != nil {
			r.opts.Confine()
		}
		if r.err = r.run(); r.err == nil || r.w.Err() == nil && !r.unopened {
			return
		}
		if !errors.Is(r.err, export.ErrReaderGone) {
			r.msg.Infof("the observation goes on without packets: %v", r.err)
		}
		r.takeBack()
		r.err = r.discard()
		r.opts.To.Lacks(r.total.Unwritten)
	}()
}

// Finish writes the packets that are left, after all events are read, and returns the totals.
// An error of Files is not returned.
func (r *Recorder) Finish() (Totals, error) {
	close(r.ending)
	err := r.source.Finish()
	<-r.ended
	return r.total, errors.Join(err, r.err, r.broker.Close())
}

// run writes packets until there are no more.
func (r *Recorder) run() error {
	for {
		p, err := r.source.Read()
		switch {
		case err != nil:
		case p != nil:
			err = r.record(p)
		case r.isEnding():
			return r.complete()
		case r.w.Pending(): // others may come meanwhile
			err = r.w.Flush()
		default:
			err = r.source.Wait(interval)
		}
		if err != nil {
			return err
		}
	}
}

// takeBack has the file end with a whole block after an error, and counts the packets that were
// gathered and are not written.
func (r *Recorder) takeBack() {
	cut, packets := r.w.Cut()
	r.total.Written -= packets
	r.total.Unwritten += packets
	_ = r.opts.To.TakeBack(cut) // a pipe has what it has
}

// discard counts the packets that are left, and drops them and all secrets.
func (r *Recorder) discard() error {
	r.dropAll()
	for {
		p, err := r.source.Read()
		switch {
		case err != nil:
		case p != nil:
			r.total.Unwritten++
		case r.isEnding():
			return r.countLost()
		default:
			err = r.source.Wait(interval)
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
	var s capture.Segment
	known := s.Dissect(&capture.Packet{Link: capture.LinkRaw, Data: p.Bytes, Length: len(p.Bytes)}) == capture.Taken
	f := r.flows.of(p, &s)
	if f != nil && f.over {
		defer r.forget(p.Socket, f)
	}
	if known && r.flows.isCopy(&s, p.Dir) {
		return nil
	}
	if f != nil {
		if err := r.await(p, f); err != nil {
			return err
		}
	}
	if r.opts.To.Full(r.w.Size()) {
		if err := r.next(); err != nil {
			r.total.Unwritten++
			return err
		}
	}
	r.write(p)
	return r.w.Err()
}

// write writes a packet, after the secrets that have come.
func (r *Recorder) write(p *bpf.Captured) {
	if r.isFresh.Load() {
		r.writeSecrets(r.take(nil))
	}
	way := pcap.Outbound
	if p.Dir == bpf.Recv {
		way = pcap.Inbound
	}
	i := r.interfaceOf(p)
	i.delivered++
	r.total.Written++
	r.w.Packet(&pcap.Packet{
		Interface: i.number, Time: r.wall(p.Time), Length: len(p.Bytes), Bytes: p.Bytes,
		Direction: way, Comment: r.takeName(p.Socket),
	})
}

// writeSecrets writes lines of a key log, and wipes them.
func (r *Recorder) writeSecrets(lines []byte) {
	if len(lines) > 0 {
		r.w.Secrets(lines)
		clear(lines)
	}
}

func (r *Recorder) wall(t ktime.Time) int64 { return r.opts.Clock.Wall(t).UnixNano() }

// forget drops what is known of a connection that is over.
func (r *Recorder) forget(socket uint64, f *flow) {
	r.drop(f.random)
	delete(r.flows.bySocket, socket)
}

// complete completes the last file.
func (r *Recorder) complete() error {
	r.writeSecrets(r.take(nil))
	return r.end()
}

// next begins another file.
func (r *Recorder) next() error {
	if err := r.end(); err != nil {
		return err
	}
	if _, err := r.asks.next(none{}); err != nil {
		r.unopened = true
		return fmt.Errorf("another file for packets: %w", err)
	}
	r.begin()
	return nil
}
