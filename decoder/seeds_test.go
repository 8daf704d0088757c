package decoder

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/decoder/internal/corpora"

	"github.com/google/go-cmp/cmp"
)

// TestFuzzCorpora decodes the inputs of other people's fuzzers whole, byte by byte, and with
// a loss in the middle. The first two must agree.
func TestFuzzCorpora(t *testing.T) {
	n := 0
	err := filepath.WalkDir(corpora.Path(t, "fuzz"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "LICENSE") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		b = bytes.ReplaceAll(b, []byte("\n--MARK--\n"), nil)
		if strings.Contains(path, "go-fuzz") {
			b = append(bytes.Clone(preface), b...)
		}
		for _, inputs := range [][]input{
			{{at: 1, dir: Recv, data: b}},
			{{at: 1, dir: Recv, data: b[:len(b)/2]}, {at: 2, dir: Recv, gap: 5}, {at: 3, dir: Recv, data: b[len(b)/2:]}},
		} {
			cfg := Config{Role: Server, FromStart: true, BodyBytes: 8}
			whole := decode(cfg, inputs, nil)
			bytewise := decode(cfg, inputs, func(int, int, int) int { return 1 })
			if diff := cmp.Diff(whole.lines, bytewise.lines); diff != "" {
				t.Errorf("%s: byte by byte differs (-whole +bytes):\n%s", path, diff)
			}
		}
		return nil
	})
	if err != nil || n < 1000 {
		t.Errorf("%d inputs, %v", n, err)
	}
}
