package process

import (
	"os/exec"
	"testing"

	"h2trace/cmd/h2trace/internal/fetchenv"
)

// TestSourceOfEnded asks for the source of a process that has ended. /proc no longer has it.
func TestSourceOfEnded(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	e := environments{reader: fetchenv.NewReader()}
	defer close(e.reader)
	ended := Process{PID: cmd.Process.Pid, Exe: "/usr/bin/go"}
	is := func(*Process) bool { return true }
	src := e.source(&ended, []byte("GOPROXY=https://goproxy.example\x00HTTPS_PROXY=http://192.0.2.1:3128\x00"), is)
	if list := src.Proxies(); len(list) != 1 || list[0].URL != "https://goproxy.example" {
		t.Errorf("got GOPROXY %v", list)
	}
	if _, ok := src.HTTPProxies().ForURL("https://goproxy.example"); !ok {
		t.Error("got no HTTP proxy")
	}
	if src := e.source(&ended, nil, is); src != nil {
		t.Errorf("got %v, which nobody told", src.Proxies())
	}
}
