package plancheck

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder/ktime"
)

// TestVerdicts takes a probe through its states. Each step is evidence, or the
// outcome of the previous verdict, with the expected verdict.
func TestVerdicts(t *testing.T) {
	type step struct {
		what string
		do   func(*Probe)
		want Verdict
	}
	const convictedAt = 100
	suspect := step{"bytes went by", (*Probe).suspect, Watch}
	watched := step{"witnesses", (*Probe).Watched, Count}
	fired := func(want Verdict) step { return step{"it fired", (*Probe).Fired, want} }
	settle := step{"settled", (*Probe).Settle, Nothing}
	nothing := step{"nothing", func(*Probe) {}, Nothing}
	witnessed := func(calls uint64, at ktime.Time, want Verdict) step {
		return step{fmt.Sprint(calls, " calls"), func(p *Probe) { p.Witnessed(calls, at) }, want}
	}
	tests := []struct {
		name      string
		readUntil ktime.Time
		steps     []step
	}{
		{"never used", 0, []step{nothing}},
		{"fires", 0, []step{fired(Nothing), {"bytes went by", (*Probe).suspect, Nothing}}},
		{"fires under suspicion", 0, []step{suspect, fired(Nothing)}},
		{"no witnesses now", 0, []step{suspect, {"nothing", func(*Probe) {}, Watch}, watched}},
		{"no witnesses ever", 0, []step{suspect, settle}},
		{"fires while witnesses attach", 0, []step{suspect, fired(Nothing), {"witnesses", (*Probe).Watched, Unwatch}, nothing}},
		{"fires while watched", 0, []step{suspect, watched, witnessed(1, 5, Count), fired(Unwatch), nothing}},
		{"too few calls", convictedAt + 1, []step{suspect, watched, witnessed(Calls-1, convictedAt, Count)}},
		{"not all is read", convictedAt, []step{suspect, watched, witnessed(Calls, convictedAt, Nothing), witnessed(2*Calls, 2*convictedAt, Nothing)}},
		{"replaced", convictedAt + 1, []step{suspect, watched, witnessed(Calls, convictedAt, Replace), settle, fired(Nothing)}},
		{"fired after all", convictedAt + 1, []step{suspect, watched, witnessed(Calls, convictedAt, Replace), fired(Unwatch), nothing}},
		{"nobody runs it", convictedAt + 1, []step{suspect, watched, witnessed(Calls, convictedAt, Replace), {"again", (*Probe).Again, Watch}, watched, witnessed(0, convictedAt, Count)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p Probe
			for i, s := range tt.steps {
				s.do(&p)
				if got := p.Next(tt.readUntil); got != s.want {
					t.Fatalf("step %d, %s: got verdict %d, want %d", i+1, s.what, got, s.want)
				}
			}
		})
	}
}

// TestHear has connections with traffic in one direction, or both.
func TestHear(t *testing.T) {
	sent, received, both := [2]bool{send: true}, [2]bool{recv: true}, [2]bool{true, true}
	conn := func(name string, said [2]bool, age time.Duration) *Conn {
		return &Conn{Name: name, Said: said, Age: age, Silent: new([2]bool)}
	}
	tests := []struct {
		name   string
		heard  []*Conn
		want   [2]Verdict
		silent []string // connections that received nothing
	}{
		{"nothing said", []*Conn{conn("c1", [2]bool{}, time.Hour)}, [2]Verdict{}, nil},
		{"both", []*Conn{conn("c1", both, time.Hour)}, [2]Verdict{}, nil},
		{"young", []*Conn{conn("c1", sent, silence-1)}, [2]Verdict{}, nil},
		{"nothing received", []*Conn{conn("c1", sent, silence), conn("c2", sent, silence)}, [2]Verdict{recv: Watch}, []string{"c1", "c2"}},
		{"nothing sent", []*Conn{conn("c1", received, silence)}, [2]Verdict{send: Watch}, nil},
		{"on one only", []*Conn{conn("c1", sent, silence), conn("c2", both, 0)}, [2]Verdict{}, []string{"c1"}},
		{"on one only, before", []*Conn{conn("c1", both, 0), conn("c2", sent, silence)}, [2]Verdict{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var e Executable
			for range 2 { // a connection is heard repeatedly
				for _, c := range tt.heard {
					e.Hear(c)
				}
			}
			got := [2]Verdict{e.Probes[send].Next(0), e.Probes[recv].Next(0)}
			if got != tt.want {
				t.Errorf("got verdicts %v, want %v", got, tt.want)
			}
			if diff := cmp.Diff(tt.silent, e.TakeSilent(recv)); diff != "" {
				t.Errorf("silent connections: -want +got:\n%s", diff)
			}
		})
	}
}

// TestMany has more silent connections than are listed. Those that the caller adds when a
// probe is replaced occur once.
func TestMany(t *testing.T) {
	var e Executable
	var last *Conn
	for i := range 2 * maxSilent {
		last = &Conn{Name: fmt.Sprint(i), Said: [2]bool{send: true}, Age: time.Hour, Silent: new([2]bool)}
		e.Hear(last)
	}
	e.Miss(last, recv)
	young := &Conn{Name: "young", Silent: new([2]bool)}
	e.Miss(young, recv)
	e.Miss(young, recv)
	e.Miss(&Conn{Name: "heard", Said: [2]bool{recv: true}, Silent: new([2]bool)}, recv)
	list := e.TakeSilent(recv)
	if got := len(list); got != maxSilent+1 || list[maxSilent] != "young" {
		t.Errorf("got %d connections, the last %q", got, list[got-1])
	}
	if again := e.TakeSilent(recv); again != nil {
		t.Errorf("got %v again", again)
	}
}

// TestMoved has a socket that moves as many bytes as a handshake, and more.
func TestMoved(t *testing.T) {
	var e Executable
	e.Moved(moved)
	if !e.Unsure() || e.Probes[send].Next(0) != Nothing {
		t.Error("a handshake is suspicious")
	}
	e.Moved([2]uint64{recv: moved[recv] + 1})
	if !e.Unsure() || e.Probes[send].Next(0) != Nothing || e.Probes[recv].Next(0) != Watch {
		t.Errorf("got %+v", e.Probes)
	}
	e.Moved([2]uint64{send: moved[send] + 1})
	if e.Unsure() {
		t.Error("evidence is asked for of probes that are suspect")
	}
}
