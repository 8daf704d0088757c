//go:build linux

package main

import (
	"github.com/coreos/go-systemd/v22/daemon"

	"h2trace/cmd/h2trace/internal/message"
)

// notify tells the service manager of a state, see sd_notify(3). It does nothing without one that
// wants to know.
func notify(state string, msg *message.Printer) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		msg.Infof("the service manager was not told %s: %v", state, err)
	}
}
