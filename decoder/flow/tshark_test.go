package flow_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/flow"
	"h2trace/decoder/internal/corpora"
)

// pcaps are the captures of the corpora, with what tshark has to be told about them.
var pcaps = map[string][]string{
	"OISF-app-layer-protocol-exact-input.pcap":     nil,
	"OISF-bug-5929-02-http2_multiple_headers.pcap": {"-d", "tcp.port==80,http2"},
	"OISF-dns-over-http2-limit-input.pcap":         nil,
	"OISF-http2-continuation-input.pcap":           nil,
	"OISF-http2-keywords-input.pcap":               {"-d", "tcp.port==3000,http2"},
	"OISF-http2-long-frame-input.pcap":             {"-d", "tcp.port==8443,http2"},
	"OISF-http2-range-http2-range.pcap":            nil, // with an upgrade
	"arkime-http2-nghttp2.pcap":                    {"-d", "tcp.port==80,http2"},
}

// TestTshark compares the frames of captures with those that tshark finds.
func TestTshark(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed; scripts/setup installs it")
	}
	for _, file := range corpora.Files(t, "testdata/*.pcapng") {
		t.Run(filepath.Base(file), func(t *testing.T) { compareTshark(t, file, nil) })
	}
	for _, file := range corpora.Files(t, filepath.Join(corpora.Path(t, "pcap"), "*.pcap")) {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			args, known := pcaps[name]
			if !known {
				t.Errorf("tshark is not told about %s", name)
			}
			compareTshark(t, file, args)
		})
	}
}

func compareTshark(t *testing.T, path string, args []string) {
	t.Helper()
	args = append([]string{"-r", path, "-Y", "http2", "-T", "fields", "-e", "http2.type", "-e", "http2.length"}, args...)
	out, err := exec.CommandContext(t.Context(), "tshark", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(out)) {
		types, lengths, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if types == "" { // the preface
			continue
		}
		list := strings.Split(lengths, ",")
		for i, kind := range strings.Split(types, ",") {
			want = append(want, fmt.Sprintf("type %s length %s", kind, list[i]))
		}
	}

	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var got []string
	table := flow.New(flow.Config{Open: func(*flow.Conn) (h flow.Hooks) {
		h.Frame = func(f *decoder.Frame) {
			if !f.Cut {
				got = append(got, fmt.Sprintf("type %d length %d", f.Type, f.Length))
			}
		}
		return h
	}})
	if err := table.Read(file); err != nil {
		t.Error(err)
	}
	table.Close()
	slices.Sort(got) // connections are interleaved
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 5 {
		t.Errorf("%d frames, -tshark +flow:\n%s", len(want), diff)
	}
}
