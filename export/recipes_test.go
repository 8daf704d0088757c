package export_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/export/schema"
)

// event has what the questions of the README are about. It is read by encoding/json, as no
// recipe does.
type event struct {
	TS, Event, Action, Conn, Comm string
	Name, Remote, Side, Start     string
	Method, URL, Reason           string
	Violation                     string
	PID, Stream, Status           int
	ExitCode                      *int         `json:"exit_code"`
	Duration                      *json.Number `json:"duration_ms"`
	CPU                           *json.Number `json:"cpu_ms"`
	Total                         json.Number  `json:"total_ms"`
	Wait                          json.Number  `json:"wait_ms"`
	ResponseBytes                 int          `json:"response_bytes"`
	Module                        *struct{ Path, Kind, Proxy string }
	Error                         json.RawMessage  // a string on RST_STREAM and GOAWAY
	Stall                         json.RawMessage  `json:"stall_ms"` // an object on exchange
	Records, Bytes                *json.RawMessage // numbers on loss
	Retry                         *struct {
		Attempt     int
		Conn, Class string
	}
}

func float(n json.Number) float64 {
	f, _ := n.Float64() // 0 is as good as null in sums
	return f
}

// more are lines of kinds that the recorded download has none of.
const more = `{"v":1,"ts":"2026-11-30T12:02:00.000000001Z","event":"request","pid":9,"comm":"go","conn":"c9","stream":1,"method":"GET","url":"https://other.example/m/@v/v1.0.0.zip","protocol":"h2","reused":false,"module":{"path":"example.com/m","version":"v1.0.0","kind":"zip","proxy":"https://other.example","next":null},"via":null}
{"v":1,"ts":"2026-11-30T12:02:00.500000000Z","event":"exchange","pid":9,"comm":"go","conn":"c9","stream":1,"method":"GET","url":"https://other.example/m/@v/v1.0.0.zip","status":null,"protocol":"h2","reused":false,"request_bytes":0,"response_bytes":0,"dns_ms":null,"connect_ms":1.000,"tls_ms":2.000,"send_ms":0.000,"wait_ms":500.125,"receive_ms":null,"total_ms":503.000,"stall_ms":{"recv_window":0.000,"send_window":0.000},"redirect":null,"module":{"path":"example.com/m","version":"v1.0.0","kind":"zip","proxy":"https://other.example","next":null},"error":{"class":"goaway","detail":"NO_ERROR"},"start":"2026-11-30T12:02:00.000000001Z","retry":null,"via":null}
{"v":1,"ts":"2026-11-30T12:02:01.000000000Z","event":"exchange","pid":9,"comm":"go","conn":"c10","stream":1,"method":"GET","url":"https://other.example/m/@v/v1.0.0.zip","status":200,"protocol":"h2","reused":false,"request_bytes":0,"response_bytes":77,"dns_ms":null,"connect_ms":1.000,"tls_ms":2.000,"send_ms":0.000,"wait_ms":300.000,"receive_ms":0.125,"total_ms":303.125,"stall_ms":{"recv_window":0.000,"send_window":0.000},"redirect":null,"module":{"path":"example.com/m","version":"v1.0.0","kind":"zip","proxy":"https://other.example","next":null},"error":null,"start":"2026-11-30T12:02:00.700000000Z","retry":{"attempt":2,"conn":"c9","stream":1,"class":"goaway"},"via":null}
{"v":1,"ts":"2026-11-30T12:02:01.100000000Z","event":"frame","pid":9,"comm":"go","conn":"c10","dir":"recv","stream":1,"type":"RST_STREAM","flags":[],"length":4,"error":"CANCEL","error_code":8,"window":{"conn_send":0,"conn_recv":0,"stream_send":null,"stream_recv":null}}
{"v":1,"ts":"2026-11-30T12:02:01.200000000Z","event":"stall","pid":9,"comm":"go","conn":"c10","stream":0,"side":"send_window","window":65535,"start":"2026-11-30T12:02:01.100000000Z","stall_ms":100.000,"ended_by":"close"}
{"v":1,"ts":"2026-11-30T12:02:01.300000000Z","event":"process","pid":9,"comm":"go","action":"error","ppid":1,"exe":null,"module":{"path":"example.com/m","version":null},"error":{"class":"checksum","detail":"SECURITY ERROR"},"via":null,"requests":[]}
{"v":1,"ts":"2026-11-30T12:02:01.400000000Z","event":"process","pid":9,"comm":"go","action":"exit","ppid":1,"exe":null,"exit_code":null,"duration_ms":null,"cpu_ms":null}
{"v":1,"ts":"2026-11-30T12:02:01.500000000Z","event":"loss","reason":"ring_full","records":3,"bytes":null,"conn":"c10"}
{"v":1,"ts":"2026-11-30T12:02:01.500000000Z","event":"loss","reason":"gap","records":0,"bytes":12}
`

// recorded returns the lines of a real download.
func recorded(t *testing.T) []byte {
	t.Helper()
	f, err := os.Open("report/testdata/download.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(t *testing.T, lines []byte) (list []event) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(lines))
	for dec.More() {
		var e event
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

// recipe is a question of the README with the command that answers it.
type recipe struct{ question, command, answer string }

var recipeForm = regexp.MustCompile("(?s)\n([^\n]+)\n\n```\n\\$ (.*?events\\.jsonl[^\n]*)\n(.*?)```")

func recipes(t *testing.T) (list []recipe) {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "\n## Ten questions for jq and Miller\n")
	text, _, _ = strings.Cut(text, "\n## ")
	for _, m := range recipeForm.FindAllStringSubmatch(text, -1) {
		list = append(list, recipe{m[1], m[2], m[3]})
	}
	return list
}

// needTools skips a test without programs that scripts/setup installs.
func needTools(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%v; scripts/setup installs it", err)
		}
	}
}

// TestRecipes runs each recipe of the README on the recording that it names, whose answer
// is in the README, and on one with more lines. Both answers are computed here, too.
func TestRecipes(t *testing.T) {
	needTools(t, "bash", "jq", "mlr")
	v, err := schema.New()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(more) {
		if err := v.Line([]byte(strings.TrimSuffix(line, "\n"))); err != nil {
			t.Errorf("%v: %s", err, line)
		}
	}
	list := recipes(t)
	if len(list) != len(answers) {
		t.Errorf("%d recipes, and %d answers", len(list), len(answers))
	}
	for _, r := range list {
		t.Run(r.question, func(t *testing.T) {
			t.Parallel()
			answer := answers[r.question]
			if answer == nil {
				t.Fatal("the test does not know this question")
			}
			download := recorded(t)
			last := bytes.LastIndexByte(bytes.TrimSpace(download), '\n') + 1
			richer := slices.Concat(download[:last], []byte(more), download[last:])
			for name, lines := range map[string][]byte{"the download": download, "more lines": richer} {
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, "events.jsonl"), lines, 0o600); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command("bash", "-o", "pipefail", "-c", r.command)
				cmd.Dir = dir
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil && !strings.Contains(r.command, "| head") {
					t.Fatalf("%v\n%s", err, &stderr)
				}
				if diff := cmp.Diff(answer(decode(t, lines)), cellsOf(string(out))); diff != "" {
					t.Errorf("%s: -computed +printed:\n%s", name, diff)
				}
				if name == "the download" && string(out) != r.answer {
					t.Errorf("the README shows\n%s, but it is\n%s", r.answer, out)
				}
			}
		})
	}
}

// cellsOf splits a table at tabs, commas or spaces, and joins the cells with one space.
func cellsOf(table string) (rows []string) {
	for line := range strings.Lines(table) {
		rows = append(rows, strings.Join(strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune("\t\n, []", r) }), " "))
	}
	return rows
}

// rowsOf prints rows, as cellsOf leaves them.
func rowsOf(heading string, list ...[]any) (rows []string) {
	if heading != "" {
		rows = append(rows, heading)
	}
	for _, row := range list {
		rows = append(rows, strings.Join(strings.Fields(fmt.Sprintln(row...)), " "))
	}
	return rows
}
