package manpages

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// manualOf returns the manual and the pages on causes.
func manualOf(t *testing.T) (manual, causes string) {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	return Comment(read("doc.go")), read("causes.txt")
}

// TestPages has mandoc check the form of each page, and looks for each paragraph of the manual,
// word by word, in what it prints.
func TestPages(t *testing.T) {
	if _, err := exec.LookPath("mandoc"); err != nil {
		t.Skipf("%v; scripts/setup installs it", err)
	}
	manual, causes := manualOf(t)
	dir := t.TempDir()
	printed := ""
	for _, p := range Pages(manual, causes, Edition{Date: "2026-11-30", Version: "1.0.0"}) {
		file := filepath.Join(dir, p.File())
		if err := os.WriteFile(file, []byte(p.Text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("mandoc", "-T", "lint", "-W", "all", file).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("mandoc -T lint: %v\n%s", err, out)
		}
		out, err := exec.Command("mandoc", "-T", "utf8", "-O", "width=1000", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		text := regexp.MustCompile(".\b").ReplaceAllString(string(out), "") // bold and underlined
		if !strings.Contains(text, "\nNAME\n") || !strings.Contains(text, "\nSEE ALSO\n") {
			t.Errorf("%s lacks a section:\n%s", p.Reference(), text)
		}
		printed += " " + words(text)
	}
	for _, s := range append(Sections(manual), Sections(causes)...) {
		if s.Title != "" && !strings.Contains(printed, " "+words(strings.ToUpper(s.Title))+" ") &&
			!strings.Contains(printed, " H2TRACE-"+strings.ToUpper(s.Title)+"(") {
			t.Errorf("no heading %q", s.Title)
		}
		for paragraph := range strings.SplitSeq(s.Text, "\n\n") {
			for _, item := range strings.Split("\n"+paragraph, "\n  - ") {
				switch item = words(item); item {
				case "Usage:", "Flags:":
				default:
					if !strings.Contains(printed, item) {
						t.Errorf("%q is missing: %q", s.Title, item)
					}
				}
			}
		}
	}
}

// words joins words with single spaces.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// TestEscape has what roff takes for something else come out as it is.
func TestEscape(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`a\nb`, `a\enb`},
		{"--flag", `\-\-flag`},
		{`it's "x" ~ ^ ` + "`", `it\(aqs \(dqx\(dq \(ti \(ha \(ga`},
		{"60 … 1", `60 \[u2026] 1`},
	} {
		if got := escape(tt.text); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
	w := new(writer)
	w.fill(escape("'quoted") + " " + strings.Repeat("word ", 20) + ".dot")
	for line := range strings.Lines(w.b.String()) {
		if line[0] == '.' || line[0] == '\'' || len(line) > lineWidth+1 {
			t.Errorf("a line %q", line)
		}
	}
}

// TestOptions reads lists of flags as people write them.
func TestOptions(t *testing.T) {
	list, ok := Options("-o, --output FILE         write\n                          more\n    --no-gate             do not; at all\n" +
		"--html FILE write a page\n--anonymize replace names\n--assert EXPR\n            check\n")
	want := []Option{
		{"o", "output", "FILE", "write more"},
		{"", "no-gate", "", "do not; at all"},
		{"", "html", "FILE", "write a page"},
		{"", "anonymize", "", "replace names"},
		{"", "assert", "EXPR", "check"},
	}
	if !ok || len(list) != len(want) {
		t.Fatalf("got %+v", list)
	}
	for i, o := range list {
		if o != want[i] {
			t.Errorf("got %+v, want %+v", o, want[i])
		}
	}
	if help := list[1].Help(); help != "do not" {
		t.Errorf("help %q", help)
	}
	if list, ok := Options("trace   Chrome trace events\n--x\n"); ok {
		t.Errorf("no list of flags: %+v", list)
	}
}
