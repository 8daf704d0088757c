package decoder

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"h2trace/decoder/internal/corpora"
	"h2trace/decoder/ktime"
)

// TestFrameVectors parses the frames of other people's test cases. It checks the fault of the
// broken ones, and every field of the others.
func TestFrameVectors(t *testing.T) {
	type vector struct {
		Error []ErrCode
		Wire  string
		Frame *struct {
			Length  uint32
			Flags   Flags
			Stream  uint32 `json:"stream_identifier"`
			Type    Type
			Payload map[string]any `json:"frame_payload"`
		}
	}
	dir := corpora.Path(t, "frames")
	for _, name := range corpora.Files(t, filepath.Join(dir, "*", "*.json")) {
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(rel, func(t *testing.T) {
			var v vector
			if err := json.Unmarshal(read(t, name), &v); err != nil {
				t.Fatal(err)
			}
			inputs := handshake()
			// Stream 1 is open, so only the frame itself can be wrong.
			inputs = append(inputs, input{at: 4, dir: Send, data: wire(TypeHeaders, FlagEndHeaders, 1, []byte{0x82})})
			dir := Send
			if strings.Contains(rel, "push_promise") {
				dir = Recv
			}
			inputs = append(inputs, input{at: 5, dir: dir, data: unhex(t, v.Wire)})
			got := decodeEveryWay(t, Config{Role: Client, FromStart: true}, inputs, 100)
			if v.Error != nil {
				if len(got.violations) != 1 || !slices.Contains(v.Error, got.violations[0].Code) {
					t.Errorf("violations %v, want one of %v", got.violations, v.Error)
				}
				return
			}
			var last Frame
			sink := &keeper{last: &last}
			c := NewConn(Config{Role: Client, FromStart: true, BodyBytes: 100}, sink)
			for _, in := range inputs {
				c.Data(in.at, in.dir, in.data)
			}
			w := v.Frame
			if last.Type != w.Type || last.Flags != w.Flags || last.StreamID != w.Stream || last.Length != w.Length {
				t.Errorf("header: got %v %v %d %d, want %v %v %d %d", last.Type, last.Flags, last.StreamID, last.Length, w.Type, w.Flags, w.Stream, w.Length)
			}
			checkPayload(t, &last, w.Payload)
		})
	}
}

// keeper keeps the last frame.
type keeper struct{ last *Frame }

func (k *keeper) Protocol(ktime.Time, Protocol, bool) {}
func (k *keeper) Resync(ktime.Time, Direction, int64) {}
func (k *keeper) Frame(f *Frame) {
	*k.last = *f
	k.last.Debug = append([]byte(nil), f.Debug...)
	k.last.Body = append([]byte(nil), f.Body...)
	k.last.Settings = append([]Setting(nil), f.Settings...)
}

func checkPayload(t *testing.T, f *Frame, want map[string]any) {
	t.Helper()
	number := func(key string, got float64) {
		if w, ok := want[key].(float64); ok && w != got {
			t.Errorf("%s: got %v, want %v", key, got, w)
		}
	}
	text := func(key, got string) {
		if w, ok := want[key].(string); ok && w != got {
			t.Errorf("%s: got %q, want %q", key, got, w)
		}
	}
	switch f.Type {
	case TypeData:
		text("data", string(f.Body))
		number("padding_length", float64(f.Length-f.DataLength-1))
	case TypeHeaders, TypePriority:
		number("stream_dependency", float64(f.Priority.DependsOn))
		number("weight", float64(f.Priority.Weight))
		if w, ok := want["exclusive"].(bool); ok && w != f.Priority.Exclusive {
			t.Errorf("exclusive: got %v", f.Priority.Exclusive)
		}
	case TypeRSTStream:
		number("error_code", float64(f.ErrorCode))
	case TypeSettings:
		var got []any
		for _, s := range f.Settings {
			got = append(got, []any{float64(s.ID), float64(s.Value)})
		}
		if w, g := toJSON(t, want["settings"]), toJSON(t, got); w != g {
			t.Errorf("settings: got %s, want %s", g, w)
		}
	case TypePushPromise:
		number("promised_stream_id", float64(f.PromisedID))
	case TypePing:
		text("opaque_data", string(f.Opaque[:]))
	case TypeGoAway:
		number("last_stream_id", float64(f.LastStreamID))
		number("error_code", float64(f.ErrorCode))
		text("additional_debug_data", string(f.Debug))
	case TypeWindowUpdate:
		number("window_size_increment", float64(f.Increment))
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
