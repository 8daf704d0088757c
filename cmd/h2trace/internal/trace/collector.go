//go:build linux

package trace

import "h2trace/bpf"

// connKernel is the kernel of a Collector.
type connKernel struct {
	*bpf.Connections
	*bpf.Sockets
	*bpf.Spotting
	*bpf.QUICFlows
}

// processKernel is the process.Kernel of a Collector.
type processKernel struct {
	*bpf.Targets
	*bpf.Executables
	*bpf.Sockets
}
