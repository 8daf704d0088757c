//go:build linux

package trace

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/message"
)

// TestOnParser has what parses fail, panic and reach for the network. The caller has the error and
// the panic, and keeps its rights.
func TestOnParser(t *testing.T) {
	o := &Observer{msg: message.New(io.Discard, false)}
	failure := errors.New("failure")
	if err := o.onParser(func() error { return failure }); !errors.Is(err, failure) {
		t.Errorf("got %v, want %v", err, failure)
	}
	func() {
		defer func() {
			if reason, _ := recover().(string); !strings.HasPrefix(reason, "broken\n") || !strings.Contains(reason, "TestOnParser") {
				t.Errorf("the caller has the panic %q, want that of what parses, and where it was", reason)
			}
		}()
		_ = o.onParser(func() error { panic("broken") })
	}()
	listen := func() error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			l.Close()
		}
		return err
	}
	if err := o.onParser(listen); err == nil {
		t.Error("what parses reaches the network")
	}
	read := func() error { _, err := os.ReadFile("/proc/self/comm"); return err }
	if err := o.onParser(read); !errors.Is(err, os.ErrPermission) {
		t.Errorf("what parses opens a file: %v", err)
	}
	if err := listen(); err != nil {
		t.Errorf("the caller cannot reach the network any more: %v", err)
	}
}
