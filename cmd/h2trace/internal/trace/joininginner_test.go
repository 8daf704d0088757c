//go:build linux

package trace

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf"
	"h2trace/decoder/tls/record"
)

// inTLS has another connection with TLS carry the segments of this one from number from
// on. It returns that, and the number of its first segment after its handshake.
func (f *fetched) inTLS(t *testing.T, from int) (outer *fetched, first int) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	near, far := net.Pipe()
	var keys bytes.Buffer
	tapped := &tap{Conn: near}
	ends := [2]*tls.Conn{
		bpf.Send: tls.Client(tapped, &tls.Config{InsecureSkipVerify: true, KeyLogWriter: &keys}),
		bpf.Recv: tls.Server(far, &tls.Config{Certificates: server.TLS.Certificates, SessionTicketsDisabled: true}),
	}
	done := make(chan error)
	go func() { done <- ends[bpf.Recv].Handshake() }()
	do(t, ends[bpf.Send].Handshake())
	do(t, <-done)
	first = len(tapped.segments)
	for _, s := range f.segments[from:] {
		go func() {
			_, err := ends[s.Dir].Write(s.Payload)
			done <- err
		}()
		if _, err := io.ReadFull(ends[s.Dir^1], make([]byte, len(s.Payload))); err != nil {
			t.Fatal(err)
		}
		do(t, <-done)
	}
	return &fetched{segments: tapped.segments, secrets: secretsOf(keys.String())}, first
}

// framesIn returns the frame events of an output, without what differs between two
// connections that carry the same.
func framesIn(t *testing.T, out string) (frames []map[string]any) {
	t.Helper()
	for line := range strings.Lines(out) {
		var e map[string]any
		do(t, json.Unmarshal([]byte(line), &e))
		if e["event"] == "frame" {
			delete(e, "ts")
			delete(e, "conn")
			frames = append(frames, e)
		}
	}
	return frames
}

// TestJoiningInner joins a connection inside of another one. The same is printed of it as
// of one that is inside of none.
func TestJoiningInner(t *testing.T) {
	f := fetch(t, []string{"/a", "/bc", "/d"}, func(*tls.Config) {})
	for from := 4; from < len(f.segments)-2; from++ { // after the handshake
		if b := f.segments[from].Payload; b[0] != byte(record.ApplicationData) || !isRecord(b) {
			continue // nothing shows yet that it is TLS
		}
		state := func() *bpf.TLSState { return f.stateOf(t, [2]uint64{uint64(from), 1000}) }
		alone := f.join(t, from, from, bpf.Spot{State: state()}, func(*connTable) {})
		outer, first := f.inTLS(t, from)
		inside := outer.join(t, first, first, bpf.Spot{State: outer.stateOf(t, [2]uint64{})}, func(table *connTable) {
			above := state()
			above.Below = spotPtr
			table.spotted(&bpf.Spot{Head: fetchedHead, Ptr: spotPtr + 1, State: above})
		})
		want := framesIn(t, alone)
		if diff := cmp.Diff(want, framesIn(t, inside)); diff != "" || len(want) == 0 {
			t.Errorf("from segment %d on, of %d frames: %s", from, len(want), diff)
		}
		const mid = `"protocol":"h2","joined":"mid"`
		if got, want := strings.Contains(inside, mid), strings.Contains(alone, mid); got != want {
			t.Errorf("from segment %d on: joined in the middle: %v, want %v", from, got, want)
		}
	}
}
