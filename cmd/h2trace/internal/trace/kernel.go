package trace

import "h2trace/bpf"

// kernel is what the connections ask of the kernel side.
type kernel interface {
	// Wish sets what is wanted of a connection. It returns false if too many
	// connections want windows.
	Wish(conn uint64, w bpf.Wish) (room bool, err error)
	// Forget frees what the kernel holds of a connection.
	Forget(bpf.Entry) error
	// Conns lists the connections that the kernel holds.
	Conns() ([]bpf.ConnState, error)
	// Ledger counts what was seen and lost so far.
	Ledger() (bpf.Ledger, error)
	// WatchClose has the kernel report the end of a connection from before the capture.
	WatchClose(s *bpf.Socket) error
	// OpenStreams returns where the memory of a process holds the streams of a
	// connection. It returns false if that cannot be read now.
	OpenStreams(pid int, w *bpf.Windows) (streams []uint64, ok bool)
	// ReadTLS reads what the memory of a process holds of a connection with TLS.
	ReadTLS(*bpf.Spot) (*bpf.TLSState, error)
	quicKernel
}

// quicKernel is what the connections of QUIC ask of it.
type quicKernel interface {
	// CountQUIC returns what the kernel has counted of a flow, and whether it does.
	CountQUIC(f bpf.QUICFlow) (n bpf.QUICCount, ok bool, err error)
	// ListQUIC returns what it has counted of all flows.
	ListQUIC() (map[bpf.QUICFlow]bpf.QUICCount, error)
	// ForgetQUIC ends the count of a flow.
	ForgetQUIC(f bpf.QUICFlow) error
}

// probes come and go: those that copy header tables and windows, and those that find TLS
// connections that were open before. They cost too much to stay attached.
type probes interface {
	// Begin attaches the probes in the executables at paths, and in those observed
	// later.
	Begin(paths []string) error
	End() error
	// Hits returns how often the probes were hit, and found nothing new.
	Hits() (uint64, error)
}
