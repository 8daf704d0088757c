//go:build linux

package trace

import "h2trace/cmd/h2trace/internal/sandbox"

// onParser calls f, which decodes what comes from the network, on a thread of its own without
// capabilities, which makes few system calls: it waits, reads the memory that it shares with the
// kernel, and writes to what is open. It asks a broker.Broker for the rest.
func (o *Observer) onParser(f func() error) error { return sandbox.Run(f, o.unconfined) }

// confine makes the thread of the calling goroutine such a one.
func (o *Observer) confine() {
	if err := sandbox.Thread(); err != nil {
		o.unconfined(err)
	}
}

func (o *Observer) unconfined(err error) {
	o.msg.Infof("what parses keeps rights that it does not need: %v", err)
}
