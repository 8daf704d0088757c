package packets

import (
	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/trace/broker"
)

// none stands for no question, or no answer.
type none = struct{}

// asks are what the Recorder asks of others. It parses what comes from the network, so its thread may
// have no rights for these.
type asks struct {
	executable func(pid int) (string, error)
	next       func(none) (none, error) // see Files
	losses     func(none) (map[int]bpf.Uncaptured, error)
}

func newAsks(b *broker.Broker, opts *Options, source Source) asks {
	return asks{
		executable: broker.Op(b, opts.Executable),
		next:       broker.Op(b, func(none) (none, error) { return none{}, opts.To.Next() }),
		losses:     broker.Op(b, func(none) (map[int]bpf.Uncaptured, error) { return source.Losses() }),
	}
}
