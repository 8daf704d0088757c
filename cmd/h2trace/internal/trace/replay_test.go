//go:build linux

package trace

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/export"
)

// TestReplay records the events of both endpoints of connections, and the answers of the
// kernel. It feeds them to the engine again, with a fake instead of the kernel. The engine
// must print the same bytes.
func TestReplay(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading BPF programs needs root")
	}
	tests := []struct {
		name   string
		talk   talk
		joined bool // the connections are open before the observer starts
		buffer int
		want   []string // in the output
	}{
		{"HTTP/2 in TLS", talk{tls: true, http2: true}, false, 4 << 20, []string{`"type":"HEADERS"`, `"event":"exchange"`}},
		{"HTTP/1.1 in TLS", talk{tls: true}, false, 4 << 20, []string{`"protocol":"http/1.1"`, `"event":"exchange"`}},
		{"HTTP/2", talk{http2: true}, false, 4 << 20, []string{`"protocol":"h2c"`, `"type":"DATA"`}},
		{"HTTP/1.1", talk{}, false, 4 << 20, []string{`"protocol":"http/1.1"`, `"event":"exchange"`}},
		{"HTTP/2 in TLS, joined", talk{tls: true, http2: true}, true, 4 << 20, []string{`"joined":"mid"`, `"type":"HEADERS"`}},
		{"HTTP/2, joined", talk{http2: true}, true, 4 << 20, []string{`"joined":"mid"`, `"type":"HEADERS"`}},
		{"HTTP/2 in TLS, lost", talk{tls: true, http2: true, body: 4 << 20}, false, bpf.MinBufferSize, []string{`"event":"loss"`, `"type":"DATA"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var live bytes.Buffer
			msg := message.New(io.Discard, true)
			o, err := New(Options{Buffer: tt.buffer, Command: []string{"itself"}, NoGate: true, Sources: Sources{Calls: true}}, &live, msg)
			do(t, err)
			defer o.Close()
			if err := o.collector.PacketsWatched(); err != nil && !tt.talk.tls {
				t.Skip(err)
			}
			k := &recordingKernel{kernel: o.conns.kernel, probes: o.conns.recovery.probes.attached}
			o.conns.kernel, o.conns.recovery.kernel, o.conns.recovery.probes.attached, o.conns.lost = k, k, k, lostOf(k)
			do(t, o.conns.recovery.probes.await())
			said := tt.talk.begin(t)
			if tt.joined {
				said.ask(t)
			}
			do(t, o.AttachCommand(os.Getpid(), "/proc/self/exe"))
			do(t, o.collector.Sockets.OwnSockets(os.Getpid(), 0, "itself"))
			for range 2 {
				said.ask(t)
				if !tt.joined {
					said.client.CloseIdleConnections()
				}
			}
			said.end()
			list := recordAll(t, o, tt.talk.ends(tt.joined))
			answers := k.answers
			do(t, o.events.Flush())
			want := ofConns(live.String())
			do(t, o.finish()) // the end of what is open depends on the clock

			got := ofConns(replay(t, o, list, answers))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-live +replayed:\n%s", diff)
			}
			for _, s := range tt.want {
				if !strings.Contains(strings.Join(want, ""), s) {
					t.Errorf("there is no %s in:\n%s", s, strings.Join(want, ""))
				}
			}
		})
	}
}

// replay feeds the engine events, and the answers of the kernel. It returns the output.
func replay(t *testing.T, o *Observer, list []bpf.Event, answers []any) string {
	t.Helper()
	var out bytes.Buffer
	events := export.NewJSONL(contract.Checked(t, &out), export.Options{Clock: o.clock.clock})
	losses := lossBook{events: events}
	k := &playingKernel{t: t, answers: answers}
	conns := newConnTable(k, events, &losses, o.conns.config, newRecovery(k, k, o.msg, o.processes.Paths), o.processes.SourceOf)
	conns.now = monotonic
	do(t, conns.recovery.probes.await())
	replayed := Observer{conns: conns, processes: o.processes}
	for _, e := range list {
		do(t, replayed.handle(e))
	}
	do(t, conns.expire(list[len(list)-1].Header().Time.Add(2*closeLinger), true))
	do(t, events.Close())
	if len(k.answers) > 0 {
		t.Errorf("%d answers of the kernel were not asked for", len(k.answers))
	}
	return out.String()
}

// recordingKernel records the answers of a kernel.
type recordingKernel struct {
	kernel
	probes
	answers []any
}

type answer[T any] struct {
	value T
	err   error
}

func (k *recordingKernel) Wish(conn uint64, w bpf.Wish) (bool, error) {
	room, err := k.kernel.Wish(conn, w)
	k.answers = append(k.answers, answer[bool]{room, err})
	return room, err
}

func (k *recordingKernel) Conns() ([]bpf.ConnState, error) {
	list, err := k.kernel.Conns()
	k.answers = append(k.answers, answer[[]bpf.ConnState]{list, err})
	return list, err
}

func (k *recordingKernel) Ledger() (bpf.Ledger, error) {
	l, err := k.kernel.Ledger()
	k.answers = append(k.answers, answer[bpf.Ledger]{l, err})
	return l, err
}

// openStreams is the answer of OpenStreams.
type openStreams struct {
	streams []uint64
	ok      bool
}

func (k *recordingKernel) OpenStreams(pid int, w *bpf.Windows) ([]uint64, bool) {
	streams, ok := k.kernel.OpenStreams(pid, w)
	k.answers = append(k.answers, answer[openStreams]{value: openStreams{streams, ok}})
	return streams, ok
}

func (k *recordingKernel) Hits() (uint64, error) {
	hits, err := k.probes.Hits()
	k.answers = append(k.answers, answer[uint64]{hits, err})
	return hits, err
}

// playingKernel repeats the answers of another kernel.
type playingKernel struct {
	fakeKernel
	t       *testing.T
	answers []any
}

// next returns the next answer, which must be of that type.
func next[T any](k *playingKernel) (value T, err error) {
	k.t.Helper()
	if len(k.answers) == 0 {
		k.t.Fatalf("no answer is left, asked for %T", value)
	}
	a, ok := k.answers[0].(answer[T])
	if !ok {
		k.t.Fatalf("asked for %T, the kernel was asked for %T", value, k.answers[0])
	}
	k.answers = k.answers[1:]
	return a.value, a.err
}

func (k *playingKernel) Wish(uint64, bpf.Wish) (bool, error) { return next[bool](k) }
func (k *playingKernel) Conns() ([]bpf.ConnState, error)     { return next[[]bpf.ConnState](k) }
func (k *playingKernel) Ledger() (bpf.Ledger, error)         { return next[bpf.Ledger](k) }
func (k *playingKernel) Hits() (uint64, error)               { return next[uint64](k) }
func (k *playingKernel) OpenStreams(int, *bpf.Windows) ([]uint64, bool) {
	a, _ := next[openStreams](k)
	return a.streams, a.ok
}

// talk is the protocol of connections with both endpoints in this process.
type talk struct {
	tls, http2 bool
	body       int // of each response, 0 for some kB
}

// ends returns how many endpoints certainly report a close. Without TLS, only one endpoint
// does so if the connection was open before the observer started.
func (p talk) ends(joined bool) int {
	switch {
	case !joined:
		return 4
	case p.tls:
		return 2
	}
	return 1
}

// talker is a server and its client.
type talker struct {
	client *http.Client
	server *httptest.Server
}

func (p talk) begin(t *testing.T) *talker {
	t.Helper()
	body := strings.Repeat("a body of some length ", max(1<<10, p.body/22))
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
		_, _ = io.WriteString(w, body)
	}))
	srv.EnableHTTP2 = p.http2
	var protocols http.Protocols
	protocols.SetHTTP1(!p.http2)
	protocols.SetHTTP2(p.http2 && p.tls)
	protocols.SetUnencryptedHTTP2(p.http2 && !p.tls)
	srv.Config.Protocols = &protocols
	if p.tls {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	client := srv.Client()
	client.Transport.(*http.Transport).Protocols = &protocols
	s := &talker{client, srv}
	t.Cleanup(s.end)
	return s
}

// ask makes requests over one connection.
func (s *talker) ask(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/a", "/b", "/c"} {
		resp, err := s.client.Post(s.server.URL+path, "text/plain", strings.NewReader(path))
		do(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		do(t, errors.Join(err, resp.Body.Close()))
	}
}

func (s *talker) end() {
	s.client.CloseIdleConnections()
	s.server.Close()
}

// recordAll has the observer handle events until so many endpoints are closed, and the
// events that follow. It returns them all.
func recordAll(t *testing.T, o *Observer, ends int) (list []bpf.Event) {
	t.Helper()
	for closed := 0; ; {
		e, err := o.collector.Read(5 * time.Second / time.Duration(1+4*closed))
		if errors.Is(err, bpf.ErrNoRecord) && closed >= ends {
			break
		}
		if err != nil {
			t.Fatalf("%d connections were closed: %v", closed, err)
		}
		if _, ok := e.(*bpf.Close); ok {
			closed++
		}
		list = append(list, cloned(e))
		do(t, o.handle(e))
	}
	do(t, o.conns.expire(list[len(list)-1].Header().Time.Add(2*closeLinger), true))
	return list
}

// cloned returns a copy of an event that stays valid after the next Read.
func cloned(e bpf.Event) bpf.Event {
	own := reflect.New(reflect.TypeOf(e).Elem())
	own.Elem().Set(reflect.ValueOf(e).Elem())
	cloneBytes(own.Elem())
	return own.Interface().(bpf.Event)
}

// cloneBytes replaces the bytes that a struct shares by copies.
func cloneBytes(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Kind() == reflect.Struct:
			cloneBytes(f)
		case f.CanSet() && f.Type() == reflect.TypeFor[[]byte]():
			f.SetBytes(bytes.Clone(f.Bytes()))
		}
	}
}

// ofConns returns the events of connections.
func ofConns(s string) (lines []string) {
	for line := range strings.Lines(s) {
		if strings.Contains(line, `"conn":"`) {
			lines = append(lines, line)
		}
	}
	return lines
}
