package packets

import (
	"fmt"

	"h2trace/bpf"
	"h2trace/export/pcap"
)

// application is what the files say they are from.
const application = "h2trace"

// file is what one file has so far.
type file struct {
	interfaces map[program]*iface
	ordered    []program
	began      int64 // nanoseconds since the Unix epoch
}

// program is what a process runs. Wireshark shows it as an interface: so people see a packet's
// process, filter by it (frame.interface_name), and find its losses.
type program struct {
	pid        int
	generation bpf.Generation
}

type iface struct {
	number    int
	delivered uint64
}

// maxInterfaces bounds the interfaces of a file. Programs after that share the last one.
const maxInterfaces = 1 << 14

// begin begins a file, with the secrets of the connections that are open: their packets are
// in the one before, too.
func (r *Recorder) begin() {
	r.file = file{interfaces: make(map[program]*iface), began: r.wall(r.opts.Now())}
	r.w.Begin(application)
	var lines []byte
	for _, f := range r.flows.bySocket {
		lines = r.again(lines, f.random)
	}
	r.writeSecrets(lines)
}

// interfaceOf returns the interface of a packet.
func (r *Recorder) interfaceOf(p *bpf.Captured) *iface {
	of := program{p.PID, p.Generation}
	i := r.file.interfaces[of]
	if i == nil && len(r.file.ordered) >= maxInterfaces {
		of = program{}
		i = r.file.interfaces[of]
	}
	if i != nil {
		return i
	}
	about := pcap.Interface{Name: fmt.Sprintf("%s[%d]", p.Comm, p.PID)}
	if of == (program{}) {
		about.Name = "others"
	} else if path, err := r.asks.executable(p.PID); err == nil {
		about.Description = fmt.Sprintf("%s, process %d", path, p.PID)
	}
	i = &iface{number: r.w.Interface(&about)}
	r.file.interfaces[of] = i
	r.file.ordered = append(r.file.ordered, of)
	return i
}

// end writes what was counted of the interfaces of a file, and completes it.
func (r *Recorder) end() error {
	if err := r.countLost(); err != nil {
		return err
	}
	now := r.wall(r.opts.Now())
	for _, of := range r.file.ordered {
		i, lost := r.file.interfaces[of], r.lost[of.pid]
		r.w.Statistics(i.number, &pcap.Statistics{
			Start: r.file.began, End: now, Delivered: i.delivered, Dropped: lost - r.counted[of.pid],
		})
		r.counted[of.pid] = lost
	}
	return r.w.Flush()
}

// countLost asks the kernel what was lost.
func (r *Recorder) countLost() error {
	lost, err := r.asks.losses(none{})
	r.total.Lost = 0
	for pid, n := range lost {
		r.lost[pid] = n.Packets
		r.total.Lost += n.Packets
	}
	return err
}
