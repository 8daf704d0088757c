//go:build linux

package trace

import (
	"fmt"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/export"
)

// settle writes the losses that no connection shows, and the summary.
func (o *Observer) settle(ledger bpf.Ledger) (*export.Summary, error) {
	at := monotonic()
	lost := ledger.Lost() + o.undecoded
	o.losses.settle(at, ledger, o.undecoded)
	var sent *export.OTLP
	if o.opts.Delivered != nil {
		sent = o.opts.Delivered()
	}
	agent, err := AgentUsage()
	if err != nil {
		return nil, err
	}
	exchanges := &o.conns.exchanges.count
	if o.conns.exchanges.off {
		exchanges = nil
	}
	sum := &export.Summary{
		Time:      at,
		Duration:  time.Since(o.started),
		Processes: o.processes.Count(),
		Conns:     o.conns.opened - o.conns.dismissed,
		Frames:    o.conns.frames,
		Exchanges: exchanges,
		Records:   export.Records{Seen: ledger.SeenRecords, Delivered: o.delivered(), Lost: lost},
		Bytes:     export.Bytes{Seen: ledger.SeenBytes, Captured: o.conns.captured},
		Agent:     agent,
		Command:   o.command,
		Signal:    o.signal,
		Verify:    verified(o.conns.verifier),
		Labels:    o.opts.Labels,
		Packets:   o.packetTotals(),
		OTLP:      sent,
	}
	o.events.Summary(sum)
	if o.delivered()+lost != ledger.SeenRecords {
		return sum, fmt.Errorf("the account of records does not balance: %d seen, %d delivered, %d lost; please report this",
			ledger.SeenRecords, o.delivered(), lost)
	}
	return sum, nil
}

// conclude says at the end what was seen and lost, if all of it was written. A reader
// that left early, as head does, has seen what it wanted.
func (o *Observer) conclude(sum *export.Summary, written bool) {
	if o.conns.verifier != nil {
		o.msg.Infof("%s", verdict(o.conns.verifier.Totals))
	}
	if o.captured != nil && o.captured.Lost > 0 {
		o.msg.Infof("%s found no room in the buffer, and --pcap has none of them; try a larger --buffer", message.Count(o.captured.Lost, "packet", "packets"))
	}
	if n := o.undecoded; n > 0 {
		o.msg.Infof("%d records were not decoded, as that took longer than %v at the end", n, drainTime)
	}
	if o.notRun || !written {
		return
	}
	if n := o.conns.ciphers.keys.strays; n > 0 && sum.Records.Lost == 0 {
		o.msg.Infof("%s on no TCP connection seen from its start, as on a Unix socket; --source calls shows what followed",
			message.Count(n, "TLS handshake was", "TLS handshakes were"))
	}
	// A program of another language may have spoken HTTP without TLS.
	if reason := o.processes.NothingObserved(); reason != "" && sum.Conns == 0 {
		if sum.Processes == 0 && o.opts.expectsOthers() {
			reason = "no process ran " + expected(o.opts)
		}
		o.msg.Infof("nothing could be observed: %s", reason)
	} else {
		o.msg.Infof("%s", saw(sum))
	}
}
