//go:build linux

package trace

import (
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/cmd/h2trace/internal/trace/packets"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// recordPackets prepares to write packets, if they are wanted.
func (o *Observer) recordPackets() {
	if o.opts.PacketFiles == nil {
		return
	}
	o.packets = packets.New(packets.Options{
		To: o.opts.PacketFiles, Secrets: o.opts.KeyedFiles,
		Executable: procfs.Executable, Clock: o.clock.clock, Now: monotonic, Confine: o.confine,
	}, o.collector.Capture, o.msg)
	o.conns.named = o.packets.Name
}

// packetsUpTo says that all events before a time are read, for which packets may wait.
func (o *Observer) packetsUpTo(t ktime.Time) {
	if o.packets != nil {
		o.packets.Read(t)
	}
}

// finishPackets writes the packets that are left.
func (o *Observer) finishPackets() error {
	if o.packets == nil {
		return nil
	}
	total, err := o.packets.Finish()
	o.captured = &total
	return err
}

// packetTotals returns the account of packets, or nil without.
func (o *Observer) packetTotals() *export.Packets {
	if o.captured == nil {
		return nil
	}
	return &export.Packets{Written: o.captured.Written, Lost: o.captured.Lost + o.captured.Unwritten}
}
