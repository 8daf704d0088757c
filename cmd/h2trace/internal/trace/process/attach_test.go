package process

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// TestLate has executables get their probes before and after a process runs them.
func TestLate(t *testing.T) {
	const ran = 5
	living := os.Getpid()
	path := procfs.Path(procfs.LivingThread(living), "exe")
	for _, tt := range []struct {
		name     string
		since    ktime.Time // of the probes
		calls    bool       // its bytes come from calls
		skip     string
		fails    error
		want     []string
		messages int
	}{
		{name: "before it runs", since: ran - 1},
		{name: "at the same time", since: ran, want: []string{path}},
		{name: "after it runs", since: ran + 1, want: []string{path}},
		{name: "after it runs, with bytes from calls", since: ran + 1, calls: true},
		{name: "none", since: ran + 1, skip: "not a Go binary"},
		{name: "after it runs, and its keys cannot be found", since: ran + 1, fails: errors.New("no room"), want: []string{path}, messages: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := &fakeKernel{
				skip: tt.skip, since: tt.since, calls: tt.calls,
				lives: make(map[int]bpf.Generation), uses: make(map[*bpf.Executable]int), targets: make(map[int]bool),
			}
			var got []string
			var messages bytes.Buffer
			tr := NewTracker(Config{
				Kernel: k, Holder: &Holder{}, Events: export.NewJSONL(io.Discard, export.Options{}), Msg: message.New(&messages, false),
				Now: func() ktime.Time { return 1 },
				Late: func(path string) error {
					if k.inUse() == 0 {
						t.Error("late before the executable has its probes")
					}
					got = append(got, path)
					return tt.fails
				},
			})
			execute(tr, living, ran)
			tr.Wait()
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if n := strings.Count(messages.String(), "no room"); n != tt.messages {
				t.Errorf("got %d messages, want %d: %s", n, tt.messages, messages.String())
			}
		})
	}
}
