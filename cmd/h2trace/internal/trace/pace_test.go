//go:build linux

package trace

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/decoder/ktime"
)

// TestPace has slow records. Everything else gets its turn nevertheless.
func TestPace(t *testing.T) {
	for _, tt := range []struct {
		name string
		each time.Duration
		want int
	}{
		{"quick", time.Microsecond, housekeepingEvery},
		{"slow", 30 * time.Millisecond, 4},
		{"very slow", time.Second, 1},
	} {
		now := ktime.Time(1e9)
		p := pace{last: now}
		n := 0
		for due := false; !due; n++ {
			now = now.Add(tt.each)
			due = p.due(now)
		}
		if n != tt.want {
			t.Errorf("%s: %d records are read, want %d", tt.name, n, tt.want)
		}
	}
}

// readUntil is a bpf.Reader that has come so far.
type readUntil ktime.Time

func (r readUntil) ReadUntil() ktime.Time { return ktime.Time(r) }

// TestPaceLate has records that have waited for long, of all times or of one.
func TestPaceLate(t *testing.T) {
	for each, want := range map[time.Duration]int{30 * time.Millisecond: 4, 0: housekeepingEvery, -time.Microsecond: housekeepingEvery} {
		now := monotonic().Add(-time.Minute)
		p := newPace(readUntil(now))
		n := 0
		for due := false; !due; n++ {
			now = now.Add(each)
			due = p.due(now)
		}
		if n != want {
			t.Errorf("%v apart: %d records are read, want %d", each, n, want)
		}
	}
}

// TestDrainEnds leaves records that there is no time to decode. They count as lost.
func TestDrainEnds(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading BPF programs needs root")
	}
	defer func(d, n time.Duration) { drainTime, drainNotice = d, n }(drainTime, drainNotice)
	drainTime, drainNotice = 0, 0
	var stderr bytes.Buffer
	file := filepath.Join(t.TempDir(), "events")
	out, err := os.Create(file)
	do(t, err)
	o, err := New(Options{Buffer: 1 << 20, Command: []string{"itself"}, Sources: Auto}, out, message.New(&stderr, false))
	do(t, err)
	defer o.Close()
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	do(t, o.AttachCommand(os.Getpid(), "/proc/self/exe"))
	resp, err := srv.Client().Get(srv.URL)
	do(t, err)
	do(t, resp.Body.Close())
	do(t, o.finish())
	do(t, out.Close())
	b, err := os.ReadFile(file)
	do(t, err)
	if o.undecoded == 0 || !bytes.Contains(b, []byte(`"event":"loss"`)) || bytes.Contains(b, []byte(`"event":"exchange"`)) {
		t.Errorf("%d records were not decoded; events:\n%s", o.undecoded, b)
	}
	for _, want := range []string{"what was observed is still being decoded: what is not within 0s is lost", "were not decoded, as that took longer than 0s at the end"} {
		if got := stderr.String(); strings.Count(got, want) != 1 {
			t.Errorf("messages: %s, want one %q", got, want)
		}
	}
}

// TestTooLate has payload after the deadline of the drain. It is counted and not decoded.
// Other events are handled.
func TestTooLate(t *testing.T) {
	o := &Observer{conns: newTestTable(t, io.Discard)}
	o.deadline = time.Now().Add(-time.Second)
	head := bpf.Head{Conn: 1, PID: 9, Time: 7}
	do(t, o.handle(&bpf.Open{Head: head, Role: bpf.RoleClient, Handshake: true}))
	do(t, o.handle(&bpf.Data{Head: head, Dir: bpf.Send, Payload: []byte("late")}))
	do(t, o.handle(&bpf.Segment{Head: head, Dir: bpf.Send, Payload: []byte("late")}))
	do(t, o.handle(&bpf.Close{Head: head}))
	if o.undecoded != 2 || o.delivered() != 2 || o.conns.captured != 0 || o.conns.byID[1].end == nil {
		t.Errorf("%d not decoded, %d delivered, %d bytes taken", o.undecoded, o.delivered(), o.conns.captured)
	}
}
