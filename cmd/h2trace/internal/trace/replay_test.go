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
	"h2trace/export"
)

// TestReplay records what the kernel tells of both ends of HTTP/2 connections, and
// feeds it to the engine again, with a fake in the kernel's place: that prints the same
// to the byte.
func TestReplay(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading BPF programs needs root")
	}
	var live bytes.Buffer
	msg := message.New(io.Discard, true)
	o, err := New(Options{Buffer: 4 << 20, Command: []string{"itself"}, NoGate: true}, &live, msg)
	do(t, err)
	defer o.Close()
	do(t, o.AttachCommand(os.Getpid(), "/proc/self/exe"))
	talk(t)
	records := recordAll(t, o)
	do(t, o.finish())

	var again bytes.Buffer
	events := export.NewJSONL(&again, export.Options{Clock: o.clock})
	losses := lossBook{events: events}
	k := &fakeKernel{}
	conns := newConnTable(k, events, &losses, o.conns.config, newRecovery(k, msg, o.processes.Paths), o.processes.SourceOf)
	replayed := Observer{conns: conns, processes: o.processes}
	for i := range records {
		do(t, replayed.handle(records[i]))
	}
	do(t, conns.expire(records[len(records)-1].Header().Time.Add(2*closeLinger), true))
	do(t, events.Close())
	want, got := ofConns(live.String()), ofConns(again.String())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-live +replayed:\n%s", diff)
	}
	if frames := strings.Count(strings.Join(want, ""), `"event":"frame"`); frames < 40 {
		t.Errorf("got %d frames, which proves little", frames)
	}
	if len(k.wishes) > 0 {
		t.Errorf("%d connections are not forgotten", len(k.wishes))
	}
}

// talk makes requests over two connections, and closes them.
func talk(t *testing.T) {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
		_, _ = io.WriteString(w, strings.Repeat("a body of some length ", 1<<10))
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	for range 2 {
		for _, path := range []string{"/a", "/b", "/c"} {
			resp, err := srv.Client().Post(srv.URL+path, "text/plain", strings.NewReader(path))
			do(t, err)
			_, err = io.Copy(io.Discard, resp.Body)
			do(t, errors.Join(err, resp.Body.Close()))
		}
		srv.Client().CloseIdleConnections()
	}
}

// recordAll has the observer handle all that comes up to the close of four connections,
// two seen from both ends, and behind it, and returns that.
func recordAll(t *testing.T, o *Observer) (list []bpf.Event) {
	t.Helper()
	for closed := 0; ; {
		e, err := o.collector.Read(5 * time.Second / time.Duration(1+4*closed))
		if errors.Is(err, bpf.ErrNoRecord) && closed >= 4 {
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

// cloneBytes gives a struct bytes of its own in the place of those that it shares.
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
