//go:build linux

package trace

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pcaps are the captures of the corpora, with what tshark has to be told about them: where
// HTTP/2 is, which it guesses from the first bytes that a client sends.
var pcaps = map[string][]string{
	"OISF-app-layer-protocol-exact-input.pcap":     nil,
	"OISF-bug-5929-02-http2_multiple_headers.pcap": {"-d", "tcp.port==80,http2"}, // the server speaks first
	"OISF-dns-over-http2-limit-input.pcap":         nil,
	"OISF-http2-continuation-input.pcap":           nil,
	"OISF-http2-keywords-input.pcap":               {"-d", "tcp.port==3000,http2"},
	"OISF-http2-long-frame-input.pcap":             {"-d", "tcp.port==8443,http2"},
	"OISF-http2-range-http2-range.pcap":            nil, // with an upgrade
	"arkime-http2-nghttp2.pcap":                    {"-d", "tcp.port==80,http2"},
}

// TestReplayCorpora compares the frames of captures that others made with those that tshark
// finds: type, flags, stream, length, header fields, settings and increments, in their order.
func TestReplayCorpora(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed; scripts/setup installs it")
	}
	files := captures(t)
	if len(files) == 0 {
		t.Skip("no captures on this machine, set H2TRACE_CORPORA")
	}
	for _, file := range files {
		name := filepath.Base(file)
		args, known := pcaps[name]
		if !known {
			t.Errorf("%s is not compared", name)
		}
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(file)
			do(t, err)
			lines, _ := replayed(t, b, nil)
			got, want := framesOf(t, lines), framesOfTshark(t, file, args)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-tshark +h2trace:\n%s", diff)
			}
			if len(want) < 5 {
				t.Errorf("tshark finds %d frames", len(want))
			}
		})
	}
}

// captures returns the paths of the captures that others made, none where they are not.
func captures(t *testing.T) []string {
	t.Helper()
	root := os.Getenv("H2TRACE_CORPORA")
	if root == "" {
		root = "../../../../../shared/corpora"
	}
	files, err := filepath.Glob(filepath.Join(root, "pcap", "*.pcap"))
	do(t, err)
	return files
}

// framesOf formats the frames of events.
func framesOf(t *testing.T, lines []string) (frames []string) {
	t.Helper()
	for _, line := range lines {
		var e struct {
			Event, Conn, Type string
			Stream, Length    int
			Flags             []string
			Headers           []struct{ Name, Value string }
			Settings          map[string]uint32
			Increment         uint32
		}
		do(t, json.Unmarshal([]byte(line), &e))
		if e.Event != "frame" {
			continue
		}
		for _, h := range e.Headers {
			frames = append(frames, fmt.Sprintf("field %d %s: %s", e.Stream, h.Name, h.Value))
		}
		frames = append(frames, formatFrame(typeNumbers[e.Type], e.Stream, e.Length, len(e.Settings), e.Increment))
	}
	slices.Sort(frames) // connections are interleaved
	return frames
}

var typeNumbers = map[string]int{
	"DATA": 0, "HEADERS": 1, "PRIORITY": 2, "RST_STREAM": 3, "SETTINGS": 4, "PUSH_PROMISE": 5, "PING": 6, "GOAWAY": 7,
	"WINDOW_UPDATE": 8, "CONTINUATION": 9,
}

func formatFrame(kind, stream, length, settings int, increment uint32) string {
	return fmt.Sprintf("type %d stream %d length %d settings %d increment %d", kind, stream, length, settings, increment)
}

// framesOfTshark returns the same of what tshark finds.
func framesOfTshark(t *testing.T, file string, args []string) (frames []string) {
	t.Helper()
	args = append([]string{"-r", file, "-Y", "http2", "-T", "json", "--no-duplicate-keys", "-J", "http2"}, args...)
	out, err := exec.CommandContext(t.Context(), "tshark", args...).Output()
	do(t, err)
	var packets []struct {
		Source struct {
			Layers map[string]any
		} `json:"_source"`
	}
	do(t, json.Unmarshal(out, &packets))
	for _, p := range packets {
		for _, layer := range list(p.Source.Layers["http2"]) {
			for _, stream := range list(layer.(map[string]any)["http2.stream"]) {
				if s, ok := stream.(map[string]any); ok && s["http2.type"] != nil {
					frames = append(frames, frameOfTshark(t, s)...)
				}
			}
		}
	}
	slices.Sort(frames)
	return frames
}

// list returns what JSON without duplicate keys has for a key that may occur more than once.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// frameOfTshark returns a frame and its fields. tshark has those that are complete before a
// CONTINUATION at the frame before, and h2trace at the frame that ends the block.
func frameOfTshark(t *testing.T, s map[string]any) (frame []string) {
	t.Helper()
	number := func(key string) int {
		v, _ := s[key].(string)
		n, err := strconv.ParseInt(v, 0, 64)
		if v != "" {
			do(t, err)
		}
		return int(n)
	}
	for _, h := range list(s["http2.header"]) {
		h := h.(map[string]any)
		frame = append(frame, fmt.Sprintf("field %d %s: %s", number("http2.streamid"), h["http2.header.name"], h["http2.header.value"]))
	}
	settings := make(map[any]bool) // an event has each once
	for _, v := range list(s["http2.settings"]) {
		if m, ok := v.(map[string]any); ok && m["http2.settings.id"] != nil {
			settings[m["http2.settings.id"]] = true
		}
	}
	return append(frame, formatFrame(number("http2.type"), number("http2.streamid"), number("http2.length"), len(settings),
		uint32(number("http2.window_update.window_size_increment"))))
}
