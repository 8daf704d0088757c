//go:build linux

package trace

import (
	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/cgroup"
	"h2trace/cmd/h2trace/internal/trace/broker"
	"h2trace/cmd/h2trace/internal/trace/process"
)

// kernelSide is what the thread that parses asks of the kernel side besides its connections and
// processes. It waits for the answers.
type kernelSide struct {
	targets func(none) (targets, error)
	sweep   func(none) (none, error) // see bpf.Targets.Sweep
	sockets func(none) ([]bpf.Socket, error)
	release func(none) (none, error) // of what is held at exec
	stop    func(none) (none, error) // see bpf.Collector.Stop
}

// targets are the processes that are targets now; all says that there was no other meanwhile, and
// more that a cgroup exists that can bring others.
type targets struct {
	left      []int
	all, more bool
}

func newKernelSide(b *broker.Broker, c *bpf.Collector, h *process.Holder, cgroups []string) kernelSide {
	do := func(f func() error) func(none) (none, error) {
		return broker.Op(b, func(none) (none, error) { return none{}, f() })
	}
	return kernelSide{
		targets: broker.Op(b, func(none) (t targets, err error) {
			t.left, t.all, err = c.Targets.List()
			t.more = len(t.left) == 0 && cgroup.Exist(cgroups)
			return t, err
		}),
		sweep:   do(c.Targets.Sweep),
		sockets: broker.Op(b, func(none) ([]bpf.Socket, error) { return c.Sockets.List() }),
		release: do(func() error { h.Close(); return nil }),
		stop:    do(c.Stop),
	}
}
