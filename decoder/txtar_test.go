package decoder

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"h2trace/decoder/internal/corpora"
	"h2trace/decoder/ktime"
)

var update = flag.Bool("update", false, "rewrite the expected events in testdata")

// TestScripts runs testdata/*.txtar: conversations in annotated hex and the expected events.
// It cuts them at every offset. The comment of an archive says what it shows. In the file
// "in", a line is one of
//
//	config role=client start body=16    (before anything else)
//	TIME send|recv PART...              bytes: hex, "Go strings", zeros=N
//	TIME send|recv skip=N               left out on purpose
//	TIME send|recv gap=N                lost; a negative N is unknown
//
// and the rest of a line after # is a comment.
func TestScripts(t *testing.T) {
	for _, name := range corpora.Files(t, filepath.Join("testdata", "*.txtar")) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(archive.Files) != 2 || archive.Files[0].Name != "in" || archive.Files[1].Name != "want" {
				t.Fatal("want the files in and want")
			}
			if len(bytes.TrimSpace(archive.Comment)) == 0 {
				t.Error("no comment says what this shows")
			}
			cfg, inputs := parseScript(t, string(archive.Files[0].Data))
			r := decodeEveryWay(t, cfg, inputs, 300)
			got := strings.Join(r.lines, "\n") + "\n"
			if *update {
				archive.Files[1].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func parseScript(t *testing.T, text string) (Config, []input) {
	t.Helper()
	var cfg Config
	var inputs []input
	for n, line := range strings.Split(text, "\n") {
		if i := strings.Index(line, "#"); i >= 0 {
			line = line[:i]
		}
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if words[0] == "config" {
			cfg = parseConfig(t, words[1:])
			continue
		}
		in, err := parseInput(words[0], line)
		if err != nil {
			t.Fatalf("line %d: %v", n+1, err)
		}
		inputs = append(inputs, in)
	}
	return cfg, inputs
}

func parseConfig(t *testing.T, words []string) Config {
	t.Helper()
	var cfg Config
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "role":
			cfg.Role = map[string]Role{"client": Client, "server": Server, "unknown": RoleUnknown}[value]
		case "start":
			cfg.FromStart = true
		case "body":
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			cfg.BodyBytes = n
		default:
			t.Fatalf("unknown configuration %q", w)
		}
	}
	return cfg
}

func parseInput(at, line string) (input, error) {
	var in input
	when, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return in, err
	}
	in.at = ktime.Time(when)
	rest := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), at))
	way, rest, _ := strings.Cut(rest, " ")
	switch way {
	case "send":
	case "recv":
		in.dir = Recv
	default:
		return in, fmt.Errorf("direction %q", way)
	}
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		if rest[0] == '"' {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return in, err
			}
			s, err := strconv.Unquote(quoted)
			if err != nil {
				return in, err
			}
			in.data = append(in.data, s...)
			rest = rest[len(quoted):]
			continue
		}
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		if key, value, ok := strings.Cut(word, "="); ok {
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return in, err
			}
			switch key {
			case "zeros":
				in.data = append(in.data, make([]byte, n)...)
			case "skip":
				in.skip = n
			case "gap":
				in.gap = n
			default:
				return in, fmt.Errorf("part %q", word)
			}
			continue
		}
		var b []byte
		if _, err := fmt.Sscanf(word, "%x", &b); err != nil {
			return in, fmt.Errorf("hex %q: %w", word, err)
		}
		in.data = append(in.data, b...)
	}
	return in, nil
}
