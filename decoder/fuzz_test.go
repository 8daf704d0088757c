package decoder

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"h2trace/decoder/internal/corpora"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"
)

// seedFiles calls add with the input files of a fuzzing corpus, at most limit of them.
// Without the corpora, fuzzing has fewer seeds, and the test says so.
func seedFiles(f *testing.F, folder string, limit int, add func([]byte)) {
	f.Helper()
	n := 0
	err := filepath.WalkDir(filepath.Join(corpora.Root(f), "fuzz", folder), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || n == limit || strings.HasPrefix(d.Name(), "LICENSE") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		add(b)
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Attr("reduced", "no seeds of "+folder+" on this machine, set H2TRACE_CORPORA")
	case err != nil:
		f.Fatal(err)
	}
}

// same decodes inputs whole, and cut at an offset of each. It wants the same events and a
// Conn within its bounds.
func same(t *testing.T, cfg Config, inputs []input, at int) {
	t.Helper()
	whole := decode(cfg, inputs, nil)
	cut := decode(cfg, inputs, func(_, done, left int) int {
		if done == 0 && at > 0 {
			return at
		}
		return left
	})
	if diff := cmp.Diff(whole.lines, cut.lines); diff != "" {
		t.Fatalf("cut at %d gives other events (-whole +cut):\n%s", at, diff)
	}
}

// FuzzConn takes the bytes of a client and of a server.
func FuzzConn(f *testing.F) {
	add := func(b []byte) {
		f.Add(bytes.ReplaceAll(b, []byte("\n--MARK--\n"), nil), []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}, true, 7)
	}
	seedFiles(f, "nghttp2", 1000, add)
	seedFiles(f, "h2o", 1000, add)
	seedFiles(f, "go-fuzz", 1000, func(b []byte) { add(append(bytes.Clone(preface), b...)) })
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\n\r\n"), true, 3)
	f.Fuzz(func(t *testing.T, c2s, s2c []byte, start bool, at int) {
		inputs := []input{{at: 1, dir: Send, data: c2s}, {at: 2, dir: Recv, data: s2c}}
		same(t, Config{Role: Client, FromStart: start, BodyBytes: 32}, inputs, at)
		inputs = []input{{at: 1, dir: Recv, data: c2s}, {at: 2, dir: Send, data: s2c}}
		same(t, Config{FromStart: start, BodyBytes: 32}, inputs, at)
	})
}

// FuzzGaps loses and leaves out bytes of a conversation.
func FuzzGaps(f *testing.F) {
	add := func(b []byte) {
		f.Add(bytes.ReplaceAll(b, []byte("\n--MARK--\n"), nil), uint16(len(b)/2), int16(20), uint16(len(b)/3), int16(-1), true, 5)
	}
	seedFiles(f, "nghttp2", 300, add)
	seedFiles(f, "h2o", 300, add)
	f.Fuzz(func(t *testing.T, b []byte, first uint16, n int16, second uint16, m int16, skip bool, at int) {
		i := min(int(first), len(b))
		j := i + min(int(second), len(b)-i)
		one := input{at: 2, dir: Recv, gap: int64(n)}
		if skip {
			one = input{at: 2, dir: Recv, skip: int64(n)}
		}
		inputs := []input{
			{at: 1, dir: Recv, data: b[:i]},
			one,
			{at: 3, dir: Recv, data: b[i:j]},
			{at: 4, dir: Recv, gap: int64(m)},
			{at: 5, dir: Recv, data: b[j:]},
		}
		same(t, Config{Role: Server, FromStart: true}, inputs, at)
	})
}

// FuzzFieldTable compares the header table with the HPACK decoder that it is built on. If
// the start was seen, they agree on every block. If it was not, all decoded fields are those
// of the encoder.
func FuzzFieldTable(f *testing.F) {
	f.Add([]byte{0x82, 0x40, 1, 'a', 1, 'b', 0xbe}, []byte{0xbe, 0x7e, 1, 'c'}, []byte{0xbf, 0xbe})
	f.Add([]byte{0x20, 0x3f, 0xe1, 0x1f, 0x82}, []byte{0x10, 1, 'a', 1, 'b'}, []byte{0x82, 0x20})
	f.Fuzz(func(t *testing.T, one, two, three []byte) {
		known := &fieldTable{}
		known.reset("")
		passing := &fieldTable{} // takes the first block in pieces
		passing.reset("")
		joined := &fieldTable{}
		joined.reset(beforeCapture)
		reference := hpack.NewDecoder(defaultTable, nil)
		reference.SetAllowedMaxDynamicTableSize(maxHeaderTable)
		for i, block := range [][]byte{one, two, three} {
			want, err := reference.DecodeFull(block)
			got, msg, _ := known.decode(block, defaultBlock)
			if err != nil {
				return // the tables may differ after this
			}
			// The reference has no bound for the whole list.
			if msg != "" && !strings.Contains(msg, "header list") && !strings.Contains(msg, "integer exceeds") {
				t.Fatalf("block %d: %q, the reference decodes it", i, msg)
			}
			if msg == "" {
				if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
					t.Fatalf("block %d (-reference +got):\n%s", i, diff)
				}
			}
			if i == 0 {
				passing.begin()
				for b := range slices.Chunk(block, 3) {
					passing.pass(b)
				}
				if v := passing.passed(); v != nil && v.Code == CompressionError && passing.err != nil {
					t.Fatalf("passed by pieces: %v", v)
				}
				continue // joined after the first block
			}
			if got, msg, _ = passing.decode(block, defaultBlock); msg == "" {
				if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
					t.Fatalf("block %d, behind one that was passed (-reference +got):\n%s", i, diff)
				}
			}
			got, msg, _ = joined.decode(block, defaultBlock)
			if msg == "" {
				if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
					t.Fatalf("block %d, joined late (-reference +got):\n%s", i, diff)
				}
			}
		}
	})
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
