package export_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/export/schema"
)

// TestLnav installs the format in lnav as the README says, which checks it, and compares
// what lnav makes of a recording with the lines of that.
func TestLnav(t *testing.T) {
	needTools(t, "lnav")
	format, err := filepath.Abs("h2trace.lnav.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	lines := append(recorded(t), more...)
	lines = append(lines, `{"v":1,"ts":"2026-11-30T12:02:02.000000000Z","event":"frame","pid":9,"comm":"go","conn":"c10","dir":"recv","stream":1,"type":"PING","flags":[],"length":7,"ack":false,"opaque":null,"window":{"conn_send":0,"conn_recv":0,"stream_send":null,"stream_recv":null},"violation":"FRAME_SIZE_ERROR: PING payload is not 8 bytes (RFC 9113 §6.7)"}`+"\n"...)
	if err := os.WriteFile(filepath.Join(dir, "events.jsonl"), lines, 0o600); err != nil {
		t.Fatal(err)
	}
	lnav := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("lnav", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME=", "TERM=dumb", "TZ=UTC")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("lnav %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	lnav("-i", format)
	if said := lnav("-W", "-n", "-q", "events.jsonl"); said != "" {
		t.Errorf("lnav says of the format:\n%s", said)
	}

	levels := make(map[string]int)
	requests := 0
	for _, e := range decode(t, lines) {
		levels[levelOf(e)]++
		if e.Event == "exchange" {
			requests++
		}
	}
	var got map[string]int
	rows := lnav("-n", "-c", ";SELECT json_group_object(log_level, n) AS o FROM (SELECT log_level, count(*) AS n FROM h2trace GROUP BY log_level)",
		"-c", ":write-json-to -", "events.jsonl")
	if err := readCell(rows, &got); err != nil {
		t.Fatalf("%v\n%s", err, rows)
	}
	if diff := cmp.Diff(levels, got); diff != "" {
		t.Errorf("lines by level: -recording +lnav:\n%s", diff)
	}

	shown := lnav("-n", "events.jsonl")
	if n := strings.Count(shown, "\n"); n != bytes.Count(lines, []byte("\n")) {
		t.Errorf("lnav shows %d lines of %d", n, bytes.Count(lines, []byte("\n")))
	}
	if n := strings.Count(shown, " exchange "); n != requests {
		t.Errorf("lnav shows %d exchanges, want %d", n, requests)
	}
	for _, want := range []string{
		"12:01:13.645 go     c1      3 exchange  200 GET https://goproxy.example/golang.org/x/tools/@v/v0.38.0.mod 128.002",
		"12:02:01.300 go               process  error     checksum SECURITY ERROR",
		"12:02:00.500 go     c9      1 exchange  null GET https://other.example/m/@v/v1.0.0.zip 503.000000 goaway NO_ERROR",
	} {
		if !strings.Contains(shown, "\n"+want) {
			t.Errorf("lnav does not show %q", want)
		}
	}
}

// levelOf is the level that a line is to have.
func levelOf(e event) string {
	var failed struct{ Class string }
	switch {
	case json.Unmarshal(e.Error, &failed) == nil && failed.Class != "" || e.Event == "loss":
		return "error"
	case e.Event == "stall" || e.Event == "verify" || e.Violation != "":
		return "warning"
	case e.Event == "frame":
		return "debug"
	}
	return "info"
}

// readCell reads the one cell of what lnav writes, [{"o": …}], as text or as it is.
func readCell(rows string, into any) error {
	var list []struct{ O json.RawMessage }
	if err := json.Unmarshal([]byte(rows), &list); err != nil {
		return err
	}
	var text string
	if err := json.Unmarshal(list[0].O, &text); err != nil {
		return json.Unmarshal(list[0].O, into)
	}
	return json.Unmarshal([]byte(text), into)
}

// TestLnavFormat compares the format with the schema: each key that it names, and each
// class of error, which is to have the level error.
func TestLnavFormat(t *testing.T) {
	b, err := os.ReadFile("h2trace.lnav.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Format struct {
			Level map[string]string
			Value map[string]json.RawMessage
		} `json:"h2trace"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for path := range file.Format.Value {
		for name := range strings.SplitSeq(path, "/") {
			if !bytes.Contains(schema.JSON, []byte(`"`+name+`": {`)) {
				t.Errorf("the schema has no key %s", path)
			}
		}
	}
	classes := regexp.MustCompile(`"(?:class|failure)": \{"enum": \[([^\]]+)\]`).FindAllSubmatch(schema.JSON, -1)
	if len(classes) < 3 {
		t.Errorf("classes %q", classes)
	}
	level := regexp.MustCompile(file.Format.Level["error"])
	for _, list := range classes {
		for class := range strings.SplitSeq(string(list[1]), ", ") {
			if !level.MatchString(strings.Trim(class, `"`)) {
				t.Errorf("the level of class %s is no error", class)
			}
		}
	}
}
