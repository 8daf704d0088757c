//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/message"
)

// TestNotify tells service managers that listen on a file and on an abstract socket, one that is
// gone, and none.
func TestNotify(t *testing.T) {
	for name, address := range map[string]string{
		"file": filepath.Join(t.TempDir(), "notify"), "abstract": fmt.Sprintf("@h2trace-test-%d", os.Getpid()),
	} {
		t.Run(name, func(t *testing.T) {
			manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv("NOTIFY_SOCKET", address)
			if said := notified("READY=1"); said != "" {
				t.Errorf("said %q", said)
			}
			var b [100]byte
			if n, err := manager.Read(b[:]); err != nil || string(b[:n]) != "READY=1" {
				t.Errorf("got %q, %v", b[:n], err)
			}
			_ = manager.Close()
			if said := notified("STOPPING=1"); !strings.HasPrefix(said, "h2trace: the service manager was not told STOPPING=1: ") {
				t.Errorf("said %q", said)
			}
		})
	}
	t.Setenv("NOTIFY_SOCKET", "")
	if said := notified("READY=1"); said != "" {
		t.Errorf("said %q", said)
	}
}

func notified(state string) string {
	var said bytes.Buffer
	notify(state, message.New(&said, false))
	return said.String()
}
