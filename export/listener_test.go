package export

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"

	"h2trace/decoder"
)

// TestListener demands that each Listener gets the lines of its kinds, whatever is printed, and whether
// or not somebody reads that.
func TestListener(t *testing.T) {
	only := func(list string) Filter {
		f, err := ParseEvents(list)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	tests := []struct {
		name           string
		events, tapped Filter
		broken         bool
		printed, taken string
	}{
		{"all to both", Filter{}, Filter{}, false, "process frame loss summary", "process frame loss summary"},
		{"hidden", only("frame"), only("process"), false, "frame loss summary", "process loss summary"},
		{"a type of frames", only("frame=PING"), only("frame=DATA"), false, "loss summary", "frame loss summary"},
		{"nothing printed", Nothing(), only("process"), false, "", "process loss summary"},
		{"reader gone", Filter{}, only("process"), true, "", "process loss summary"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, tapped, all bytes.Buffer
			into := func(b *bytes.Buffer) func([]byte) {
				return func(line []byte) {
					b.Write(line)
					b.WriteByte('\n')
				}
			}
			var w writerFunc = out.Write
			if tt.broken {
				w = func([]byte) (int, error) { return 0, syscall.EPIPE }
			}
			j := NewJSONL(w, Options{Events: tt.events, Listeners: []Listener{{}, {Events: tt.tapped, Line: into(&tapped)}, {Line: into(&all)}}})
			if tt.broken {
				j.Loss(&Loss{Reason: LossGap})
				if err := j.Flush(); err == nil {
					t.Fatal("no error")
				}
				tapped.Reset()
				all.Reset()
			}
			j.Process(Meta{PID: 1}, &Process{}, ProcessExec{})
			j.Frame(Meta{PID: 1, Conn: "c1"}, &decoder.Frame{Type: decoder.TypeData})
			j.Loss(&Loss{Reason: LossGap})
			j.Summary(&Summary{})
			if err := j.Close(); (err != nil) != tt.broken {
				t.Error(err)
			}
			if got := kindsOf(t, out.String()); got != tt.printed {
				t.Errorf("printed %q, want %q", got, tt.printed)
			}
			if got := kindsOf(t, tapped.String()); got != tt.taken {
				t.Errorf("tapped %q, want %q", got, tt.taken)
			}
			if got, want := kindsOf(t, all.String()), "process frame loss summary"; got != want {
				t.Errorf("a listener of all kinds gets %q, want %q", got, want)
			}
		})
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// kindsOf returns the kinds of the events in lines, which are whole.
func kindsOf(t *testing.T, lines string) string {
	t.Helper()
	var kinds []string
	for line := range strings.Lines(lines) {
		_, rest, _ := strings.Cut(line, `"event":"`)
		kind, _, ok := strings.Cut(rest, `"`)
		if !ok || !strings.HasPrefix(line, `{"v":1,`) || !strings.HasSuffix(line, "}\n") {
			t.Errorf("no line: %q", line)
		}
		kinds = append(kinds, kind)
	}
	return strings.Join(kinds, " ")
}

// TestMoved hands on bytes that are in no frame, to who wants them.
func TestMoved(t *testing.T) {
	var got []string
	for _, l := range []Listener{{}, {Moved: func(conn string, dir decoder.Direction, n int64) {
		got = append(got, fmt.Sprintf("%s %v %d", conn, dir, n))
	}}} {
		j := NewJSONL(io.Discard, Options{Listeners: []Listener{l}})
		j.Moved("c1", decoder.Recv, 7)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"c1 recv 7"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
