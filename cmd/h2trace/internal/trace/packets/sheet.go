package packets

import (
	"fmt"

	"h2trace/bpf"
	"h2trace/export/pcap"
)

// sheet is what one file has so far.
type sheet struct {
	interfaces map[process]*iface
	ordered    []process
	began      int64
}

// process is one program that a process runs. Wireshark shows it as an interface.
type process struct {
	pid        int
	generation bpf.Generation
}

type iface struct {
	number  int
	written uint64
}

// begin begins a file.
func (r *Recorder) begin() {
	r.sheet = sheet{interfaces: make(map[process]*iface), began: r.wall(r.now())}
	r.w.Begin(r.opts.Application)
	if !r.opts.Secrets {
		return
	}
	var lines []byte
	for _, f := range r.flows.bySocket {
		lines = r.again(lines, f.random)
	}
	if len(lines) > 0 {
		r.w.Secrets(lines)
		clear(lines)
	}
}

// interfaceOf returns the interface of a packet.
func (r *Recorder) interfaceOf(p *bpf.Captured) *iface {
	of := process{p.PID, p.Generation}
	i := r.sheet.interfaces[of]
	if i == nil {
		i = &iface{number: r.w.Interface(&pcap.Interface{Name: fmt.Sprintf("%s[%d]", p.Comm, p.PID)})}
		r.sheet.interfaces[of] = i
		r.sheet.ordered = append(r.sheet.ordered, of)
	}
	return i
}

// statistics writes what was counted of the interfaces of a file.
func (r *Recorder) statistics() {
	end := r.wall(r.now())
	for _, of := range r.sheet.ordered {
		i := r.sheet.interfaces[of]
		r.w.Statistics(i.number, &pcap.Statistics{
			Start: r.sheet.began, End: end, Delivered: i.written,
		})
	}
}

// countLost asks the kernel how many packets were lost.
func (r *Recorder) countLost() error {
	lost, err := r.source.Losses()
	r.total.Lost = 0
	for _, n := range lost {
		r.total.Lost += n.Packets
	}
	return err
}

// forget drops what is known of a connection that is over.
func (r *Recorder) forget(socket uint64) {
	if f := r.flows.bySocket[socket]; f != nil {
		r.drop(f.random)
		delete(r.flows.bySocket, socket)
	}
}
