package decoder

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAdversarial decodes each conversation of the adversarial corpus as its
// description says, from the client's side and from the server's.
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
		// Type 16 has become PRIORITY_UPDATE, which is not for streams.
		"unknown-frames": {ProtocolError},
	}
	for _, name := range files(t, filepath.Join(corpus(t, "adversarial"), "*.json")) {
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
