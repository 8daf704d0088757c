package trace

import (
	"errors"
	"io"
	"runtime/metrics"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/cmd/h2trace/internal/flows"
	"h2trace/decoder"
	"h2trace/decoder/capture"
	"h2trace/decoder/http1"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
	"h2trace/decoder/tls"
	"h2trace/export"
)

// The bounds on what waits, of all connections of a capture, in bytes. A capture cannot be asked
// again, but its packets are nearer to each other than on a busy machine.
const (
	replaySegments   = 16 << 20
	replayCiphertext = 16 << 20
	replayUnfinished = 20 << 20 // a frame may have 16 MiB
	replayExchanges  = 16 << 20
	// replayTick is how often, in the time of the capture, the engine looks at what waits.
	replayTick = 20 * time.Millisecond
	// replayLive is how much memory may be in use before connections are dropped, looked at
	// after so many bytes of packets, with so many for each packet on top.
	replayLive   = 72 << 20
	replayLook   = 2 << 20
	replayPacket = 512
)

// ReplayOptions says what of a capture is printed.
type ReplayOptions struct {
	Events      export.Filter
	ShowSecrets bool
	BodyBytes   int                         // of each DATA payload
	Format      func(b, line []byte) []byte // see export.Options
}

// Replay decodes a capture: the engine without a kernel. Its clock is that of the packets.
type Replay struct {
	flows   *flows.Table
	conns   *connTable
	events  *export.JSONL
	losses  lossBook
	secrets tls.KeyLog
	next    ktime.Time // of the next tick
	records uint64
	taken   int // bytes of packets since the memory in use was looked at
	live    []metrics.Sample
}

// NewReplay returns a Replay that writes to out.
func NewReplay(opts ReplayOptions, out io.Writer) *Replay {
	r := &Replay{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	r.flows = flows.New(r)
	r.events = export.NewJSONL(out, export.Options{
		Events: opts.Events, ShowSecrets: opts.ShowSecrets, Bodies: opts.BodyBytes > 0, Format: opts.Format,
	})
	r.losses.events = r.events
	recovery := newRecovery(r.flows, noProbes{}, nil, func() []string { return nil })
	recovery.off = true
	config := decoder.Config{BodyBytes: opts.BodyBytes, Budget: decoder.NewBudget(replayUnfinished)}
	c := newConnTable(r.flows, r.events, &r.losses, config, recovery, func(int) *fetchenv.Source { return nil })
	c.now = r.flows.Now
	c.segments, c.exchanges.budget = tcp.NewBudget(replaySegments), http1.NewBudget(replayExchanges)
	c.ciphers.wanted, c.ciphers.budget = true, tls.NewBudget(replayCiphertext)
	c.ciphers.keys.store = &r.secrets
	r.conns = c
	return r
}

// Secrets takes session secrets in the format of a key log file (RFC 9850). They open what
// comes after them, and what waits for them. It returns how many there were.
func (r *Replay) Secrets(keyLog io.Reader) (n int, err error) {
	return tls.ReadKeyLog(keyLog, func(label string, random random, value []byte) {
		r.secrets.Add(label, random, value)
		if len(r.conns.ciphers.keys.conns[random]) > 0 {
			head := bpf.Head{Time: r.flows.Now()}
			r.conns.secret(&bpf.Secret{Head: head, Label: label, ClientRandom: random, Secret: value})
		}
	})
}

// Packet decodes the next packet. The error is that of the output.
func (r *Replay) Packet(p *capture.Packet) error {
	if err := r.flows.Packet(p); err != nil {
		return err
	}
	if now := r.flows.Now(); now >= r.next || now.Add(replayTick) < r.next {
		r.next = now.Add(replayTick)
		if err := r.conns.expire(now, true); err != nil {
			return err
		}
	}
	if r.taken += len(p.Data) + replayPacket; r.taken >= replayLook {
		r.taken = 0
		if metrics.Read(r.live); r.live[0].Value.Uint64() > replayLive {
			if err := r.flows.Shed(); err != nil {
				return err
			}
		}
	}
	return r.events.Err()
}

// Take implements flows.Engine.
func (r *Replay) Take(e bpf.Event) error {
	var err error
	switch e := e.(type) {
	case *bpf.Abandoned:
		if c := r.conns.byID[e.Conn]; c != nil {
			c.finish()
		}
		return r.conns.send()
	case *bpf.Segment:
		r.conns.segment(e)
	case *bpf.Open:
		r.conns.open(e)
	case *bpf.Close:
		err = r.conns.close(e)
	case *bpf.DNS:
		r.conns.resolver.packet(e)
	case *bpf.QUIC:
		err = r.conns.quic.packet(e)
	}
	r.records++
	return errors.Join(err, r.conns.send())
}

// Finish ends what is open, and writes the summary. It returns what became of the packets.
func (r *Replay) Finish() (flows.Counts, error) {
	err := r.flows.Finish()
	counts := r.flows.Counts
	err = errors.Join(err, r.conns.expire(counts.Last, true), r.conns.endAll())
	ledger, _ := r.flows.Ledger() // it returns none
	r.losses.settle(counts.Last, ledger, 0)
	agent, usageErr := AgentUsage()
	r.events.Summary(&export.Summary{
		Time:      counts.Last,
		Duration:  max(counts.Last.Sub(counts.First), 0),
		Conns:     r.conns.opened - r.conns.dismissed,
		Frames:    r.conns.frames,
		Exchanges: &r.conns.exchanges.count,
		Records:   export.Records{Seen: ledger.SeenRecords, Delivered: r.records, Lost: ledger.Lost()},
		Bytes:     export.Bytes{Seen: ledger.SeenBytes, Captured: r.conns.captured},
		Agent:     agent,
	})
	r.secrets.Wipe()
	return counts, errors.Join(err, usageErr, r.events.Close())
}

// SecretsLeft returns how many session secrets had no room.
func (r *Replay) SecretsLeft() uint64 { return r.secrets.Left() }

// Connections returns how many connections were printed, and how many of these could not be
// decrypted.
func (r *Replay) Connections() (seen, sealed uint64) {
	return r.conns.opened - r.conns.dismissed, r.conns.ciphers.sealed
}
