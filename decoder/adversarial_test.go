package decoder

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"h2trace/decoder/internal/corpora"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"
)

// TestAdversarial decodes each conversation of the adversarial corpus, from the client's
// side and from the server's. The result must match its description.
func TestAdversarial(t *testing.T) {
	type side struct {
		Bytes  int
		Frames map[string]int
		Tail   int64 `json:"incomplete_tail"`
	}
	type description struct {
		Name string
		C2S  side
		S2C  side
	}
	violations := map[string][]ErrCode{
		"continuation-interleaved": {ProtocolError},
		"frame-16m":                {FrameSizeError},
		"hpack-huffman-eos":        {CompressionError},
		"hpack-huffman-longpad":    {CompressionError},
		"hpack-index-0":            {CompressionError},
		"hpack-int-overflow":       {CompressionError},
		"padding-too-long":         {ProtocolError},
		"window-overflow-conn":     {FlowControlError},
		// Type 16 is now PRIORITY_UPDATE, which is only for stream 0.
		"unknown-frames": {ProtocolError},
	}
	for _, name := range corpora.Files(t, filepath.Join(corpora.Path(t, "adversarial"), "*.json")) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			var d description
			if err := json.Unmarshal(read(t, name), &d); err != nil {
				t.Fatal(err)
			}
			base := strings.TrimSuffix(name, ".json")
			for _, role := range []Role{Client, Server} {
				cfg := Config{Role: role, FromStart: d.Name != "mid-attach-frames", BodyBytes: 64}
				c2s := Send
				if role == Server {
					c2s = Recv
				}
				inputs := []input{{at: 1, dir: c2s, data: read(t, base+".c2s")}}
				if d.S2C.Bytes > 0 {
					inputs = append(inputs, input{at: 2, dir: c2s.other(), data: read(t, base+".s2c")})
				}
				var got *recorder
				if len(inputs[0].data) < 5<<10 {
					got = decodeEveryWay(t, cfg, inputs, 200)
				} else {
					got = decodeEveryWay(t, cfg, inputs, 1)
				}
				for i, s := range []side{d.C2S, d.S2C} {
					dir := c2s ^ Direction(i)
					counts := map[string]int{}
					for typ, n := range got.counts[dir] {
						name := typ.String()
						if typ > TypeContinuation {
							name = fmt.Sprintf("type%d", typ)
						}
						counts[name] = n
					}
					if s.Frames == nil {
						s.Frames = map[string]int{}
					}
					if diff := cmp.Diff(s.Frames, counts); diff != "" {
						t.Errorf("role %v, direction %v: frames (-want +got):\n%s", role, dir, diff)
					}
				}
				if check := outcomes[d.Name]; check != nil {
					check(t, got)
				}
				var codes []ErrCode
				for _, v := range got.violations {
					codes = append(codes, v.Code)
				}
				if want := violations[d.Name]; len(want) > 0 {
					if len(codes) == 0 || !slices.Contains(want, codes[0]) {
						t.Errorf("role %v: violations %v, want first %v", role, got.violations, want)
					}
				} else if len(codes) > 0 {
					t.Errorf("role %v: violations %v, want none", role, got.violations)
				}
			}
		})
	}
}

// outcomes holds what the descriptions of the corpus say beyond frame counts.
var outcomes = map[string]func(*testing.T, *recorder){
	"rapid-reset": func(t *testing.T, r *recorder) {
		if n := len(r.conn.streams.byID); n != 0 {
			t.Errorf("%d streams are open at the end, want 0", n)
		}
	},
	"reset-flood": func(t *testing.T, r *recorder) {
		if n := len(r.conn.streams.byID); n != 0 {
			t.Errorf("%d streams are open at the end, want 0", n)
		}
	},
	"hpack-never-indexed": func(t *testing.T, r *recorder) {
		n := 0
		for _, f := range r.headers[0] {
			if f.Sensitive && f.Name == "authorization" {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d sensitive authorization fields, want 2: %v", n, r.headers[0])
		}
		table := &r.conn.sides[r.conn.streams.clientDir].blocks.table
		if list, _ := entries(t, table); slices.ContainsFunc(list, func(f hpack.HeaderField) bool { return f.Name == "authorization" }) {
			t.Errorf("authorization entered the table: %v", list)
		}
	},
	"hpack-bomb": func(t *testing.T, r *recorder) {
		if !slices.ContainsFunc(r.errors, func(e string) bool { return strings.Contains(e, "header list is larger") }) {
			t.Errorf("no block is too large: %q", r.errors)
		}
	},
	"mid-attach-frames": func(t *testing.T, r *recorder) {
		unknown := 0
		for i, e := range r.errors {
			switch e {
			case beforeCapture:
				unknown++
			case "":
				for _, f := range r.headers[i] {
					if f.Name == "" {
						t.Errorf("block %d: field without a name: %v", i, r.headers[i])
					}
				}
			default:
				t.Errorf("block %d: %q", i, e)
			}
		}
		// Every request refers to the first, which was missed. The responses do not.
		if unknown != 50 {
			t.Errorf("%d blocks are unknown, want the 50 requests", unknown)
		}
	},
	"continuation-bytewise": func(t *testing.T, r *recorder) {
		if len(r.headers) != 1 || len(r.headers[0]) == 0 || r.headers[0][0].Name != ":method" {
			t.Errorf("headers %v", r.headers)
		}
	},
	"push-promise": func(t *testing.T, r *recorder) {
		for i, e := range r.errors {
			if e != "" {
				t.Errorf("block %d: %s", i, e)
			}
		}
	},
	"window-reserved-bit": func(t *testing.T, r *recorder) {
		if !slices.ContainsFunc(r.lines, func(l string) bool { return strings.Contains(l, "increment=1 ") }) {
			t.Errorf("no increment of 1: %q", r.lines)
		}
	},
	"zero-length-headers": func(t *testing.T, r *recorder) {
		for i, fields := range r.headers {
			if !slices.ContainsFunc(fields, func(f hpack.HeaderField) bool { return f.Name == "" && f.Value == "" }) {
				t.Errorf("block %d has no empty field: %v", i, fields)
			}
		}
	},
}
