//go:build linux

package trace

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/verify"
	"h2trace/decoder"
	"h2trace/export"
)

// TestVerifyDoctored reports that the process encoded another value than the one on the
// wire. A wrong decoder looks the same.
func TestVerifyDoctored(t *testing.T) {
	request := []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: "x-kind", Value: "wire"}, {Name: "cookie", Value: "wire"}}
	for _, tt := range []struct {
		name          string
		doctor        func(fields []hpack.HeaderField)
		event, totals string
	}{
		{
			"same", func([]hpack.HeaderField) {}, "", `"verify":{"blocks":1,"fields":3,"mismatches":0,"unchecked":0}`,
		},
		{
			"another value", func(fields []hpack.HeaderField) { fields[1].Value = "process" },
			`"conn":"c1","dir":"send","stream":1,"index":1,"want":{"name":"x-kind","value":"process"},"got":{"name":"x-kind","value":"wire"}}`,
			`"verify":{"blocks":1,"fields":3,"mismatches":1,"unchecked":0}`,
		},
		{
			"another secret", func(fields []hpack.HeaderField) { fields[2].Value = "process" },
			`"conn":"c1","dir":"send","stream":1,"index":2,"want":{"name":"cookie","value":"<redacted>"},"got":{"name":"cookie","value":"<redacted>"}}`,
			`"verify":{"blocks":1,"fields":3,"mismatches":1,"unchecked":0}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var block, wire, out bytes.Buffer
			enc := hpack.NewEncoder(&block)
			for _, f := range request {
				if err := enc.WriteField(f); err != nil {
					t.Fatal(err)
				}
			}
			wire.WriteString(http2.ClientPreface)
			framer := http2.NewFramer(&wire, nil)
			if err := framer.WriteSettings(); err != nil {
				t.Fatal(err)
			}
			if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
				t.Fatal(err)
			}
			doctored := append([]hpack.HeaderField(nil), request...)
			tt.doctor(doctored)

			events := export.NewJSONL(&out, export.Options{})
			o := &Observer{events: events, losses: lossBook{events: events}}
			o.conns = newConnTable(nil, events, &o.losses, decoder.Config{}, newRecovery(nil, nil, nil, nil), func(int) *fetchenv.Source { return nil })
			o.conns.now, o.conns.verifier = monotonic, verify.NewChecker()
			feed := func(e bpf.Event) {
				t.Helper()
				e.Header().PID, e.Header().Conn = 7, 1
				if err := o.handle(e); err != nil {
					t.Fatal(err)
				}
			}
			feed(&bpf.Open{Role: bpf.RoleClient, Handshake: true})
			feed(&bpf.Handshake{})
			for i, f := range doctored {
				feed(&bpf.Field{
					List: 1, Index: uint32(i), Whole: true, Name: f.Name, Value: f.Value,
				})
			}
			feed(&bpf.List{
				Dir: bpf.Send, ID: 1, Fields: uint32(len(doctored)), Stream: 1,
				Fragment: block.Bytes(), FragmentLength: uint32(block.Len()),
			})
			feed(&bpf.Data{Dir: bpf.Send, Payload: wire.Bytes()})
			events.Summary(&export.Summary{Verify: verified(o.conns.verifier)})
			if err := events.Close(); err != nil {
				t.Fatal(err)
			}
			s, err := contract.Read(&out)
			if err != nil {
				t.Fatal(err)
			}
			got := s.Of("verify")
			if len(got) > 0 != (tt.event != "") || tt.event != "" && !strings.HasSuffix(got[0].Raw, tt.event) {
				t.Errorf("got %d events, want %q", len(got), tt.event)
				for _, e := range got {
					t.Log(e.Raw)
				}
			}
			if !strings.Contains(s.Summary.Raw, tt.totals) {
				t.Errorf("got %s, want %s", s.Summary.Raw, tt.totals)
			}
		})
	}
}
