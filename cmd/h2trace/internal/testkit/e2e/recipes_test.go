package e2e

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// recipe is a command in a README or the manual, as the user types it.
type recipe struct {
	heading string
	command string
	output  []string // the output shown below it
}

// readmeRecipes takes the commands out of the fenced blocks of a README: in a block
// with prompts the lines after "$ ", in others each line. A continued command has an
// open quote, or a pipe, at the end of its line. Fences of another language, such as
// text for diagrams, hold no commands.
func readmeRecipes(readme string) []recipe {
	var list []recipe
	heading, fence := "", ""
	var block []string
	for line := range strings.Lines(readme) {
		line = strings.TrimSuffix(line, "\n")
		title, isTitle := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		switch {
		case line == "```" && fence != "":
			if fence == "```" {
				list = append(list, recipesOf(heading, block)...)
			}
			fence, block = "", nil
		case fence != "":
			block = append(block, line)
		case strings.HasPrefix(line, "```"):
			fence = line
		case isTitle && strings.HasPrefix(line, "#"):
			heading = title
		}
	}
	return list
}

// recipesOf parses one block.
func recipesOf(heading string, block []string) (list []recipe) {
	prompts := strings.Contains("\n"+strings.Join(block, "\n"), "\n$ ")
	for i := 0; i < len(block); i++ {
		command, typed := strings.CutPrefix(block[i], "$ ")
		if prompts && !typed {
			if n := len(list); n > 0 {
				list[n-1].output = append(list[n-1].output, block[i])
			}
			continue
		}
		if !prompts {
			command, _, _ = strings.Cut(command, "  ") // an explanation follows
		}
		for i+1 < len(block) && continues(command) {
			i++
			command += "\n" + block[i]
		}
		list = append(list, recipe{heading: heading, command: command})
	}
	return list
}

func continues(command string) bool {
	return strings.Count(command, "'")%2 == 1 || strings.HasSuffix(command, "|")
}

// manualRecipes takes the commands out of those sections of the manual that have some
// to type.
func manualRecipes(t testing.TB) (list []recipe) {
	t.Helper()
	for _, topic := range []string{"sudo", "examples"} {
		out, err := exec.Command(bin(t, "h2trace"), "help", topic).Output()
		if err != nil {
			t.Fatal(err)
		}
		var block []string
		for line := range strings.Lines(string(out)) {
			if line, indented := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "  "); indented {
				block = append(block, strings.TrimLeft(line, " "))
			}
		}
		list = append(list, recipesOf("help "+topic, block)...)
	}
	return list
}

// notRun are the recipes that no test of a few seconds can run, with the reason.
var notRun = map[string]string{
	"go build -o bin/h2trace ./cmd/h2trace":                                          "TestDemo does it",
	"sudo install bin/h2trace /usr/local/bin/":                                       "it is not for a test to install",
	"sudo h2trace proxies -u $USER -n 6 https://goproxy.example https://far.example": "it takes two proxies, as TestProxiesOrder has",
	"go install ./cmd/h2trace":                                                       "TestGoInstall of scripts/release does it",
	"scripts/release/run":                                                            "the tests of scripts/release run it",
	"sudo dpkg -i dist/h2trace_*_amd64.deb":                                          "TestDebianPackage of scripts/release does it",
	"sudo rpm -i dist/h2trace-*.x86_64.rpm":                                          "TestRPMPackage of scripts/release does it",
	"scripts/demo":                                                                   "TestDemo runs it",
	"scripts/test":                                                                   "it runs this test",
	"scripts/bench/run":                                                              "it takes a machine that does nothing else",
	"scripts/bench/run -parts small -rounds 5":                                       "it takes a machine that does nothing else",
	"scripts/bench/run -parts full,conns":                                            "it takes a machine that does nothing else",
	"lnav -i export/h2trace.lnav.json":                                               "TestLnav of export does it",
	"lnav events.jsonl":                                                              "it is interactive; TestLnav of export runs it without a screen",
	"h2trace -q -n go,gopls --metrics :9464 -o /dev/null":                            "TestMetrics has Prometheus scrape it",
	"h2trace --otlp http://localhost:4318 go build ./...":                            "TestOTLP sends to a collector",
	"h2trace --cgroup /kubepods.slice -o events.jsonl":                               "TestCgroup observes the containers of one",
	"h2trace report proxy.jsonl":                                                     "TestModuleProxy observes a module proxy",
	"go test -run - -bench Wire -cpu 1 ./cmd/h2trace/internal/trace":                 "it takes a machine that does nothing else",
}

// typed are the programs that recipes run.
var typed = regexp.MustCompile(`^(h2trace|sudo (env "PATH=\$PATH" )?h2trace|sudo (install|dpkg|rpm)|go (build|install|test|mod)|jq|lnav|mlr|scripts/[a-z]+(/run)?)( |$)`)

// TestRecipes runs every command of the READMEs and of the manual's examples, and
// compares its output with the one shown.
func TestRecipes(t *testing.T) {
	t.Parallel()
	needProbes(t)
	for _, tool := range []string{"jq", "mlr", "column", "pidof", "pgrep", "bash"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err.Error() + "; scripts/setup installs it")
		}
	}
	groups := make(map[string][]recipe)
	var headings []string
	recipes := manualRecipes(t)
	for _, text := range readmes(t) {
		recipes = append(recipes, readmeRecipes(text)...)
	}
	for _, r := range recipes {
		if !typed.MatchString(r.command) {
			t.Errorf("under %q there is something that this test takes for no command: %s", r.heading, r.command)
		}
		if groups[r.heading] == nil {
			headings = append(headings, r.heading)
		}
		groups[r.heading] = append(groups[r.heading], r)
	}
	if len(headings) < 12 {
		t.Errorf("commands under %d headings only: %q", len(headings), headings)
	}
	if t.Failed() {
		return
	}
	k := newKitchen(t)
	for i, heading := range headings {
		t.Run(heading, func(t *testing.T) {
			t.Parallel()
			at := k.place(t, i, groups[heading]...)
			for _, r := range groups[heading] {
				at.try(t, r)
			}
		})
	}
}

// TestRecipesOf tests recipesOf.
func TestRecipesOf(t *testing.T) {
	got := recipesOf("x", strings.Split("$ a 'b\n  c' |\n    d\n1\n2\n$ e", "\n"))
	if len(got) != 2 || got[0].command != "a 'b\n  c' |\n    d" || strings.Join(got[0].output, ",") != "1,2" || got[1].command != "e" {
		t.Errorf("with prompts: %+v", got)
	}
	got = recipesOf("x", strings.Split("a b   the program's own\nc |\n    d 'e'", "\n"))
	if len(got) != 2 || got[0].command != "a b" || got[1].command != "c |\n    d 'e'" {
		t.Errorf("without prompts: %+v", got)
	}
}

// number matches what differs between two runs.
var number = regexp.MustCompile(`[0-9]`)

// unlike returns what of the output shown is missing in that of a run, or "": the
// kinds of the values in a line of JSON, the number of columns, the first cells of
// tables and their headings, the beginnings of messages.
func unlike(shown []string, stdout, stderr string) string {
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	for i, want := range shown {
		switch {
		case want == "" || want == "…":
		case verdictLine.MatchString(want + "\n"): // another verdict, on another line
			if !verdictLine.MatchString(stderr) {
				return "no verdict"
			}
		case strings.HasPrefix(want, "h2trace: "):
			if !strings.Contains(stderr, want[:number.FindStringIndex(want + "0")[0]]) {
				return "no message like " + want
			}
		case strings.HasPrefix(want, "{") || strings.HasPrefix(want, "["):
			if kindsOf(want) != kindsOf(lines[0]) {
				return kindsOf(lines[0]) + " is not like " + want
			}
		case strings.Contains(want, "\t"):
			if strings.Count(lines[0], "\t") != strings.Count(want, "\t") {
				return "not the columns of " + want
			}
		case strings.HasPrefix(want, "  ") || i > 0 && shown[i-1] == "":
			if cell := firstCell(want); !number.MatchString(cell) && !hasCell(lines, cell) {
				return "no row or heading " + cell
			}
		}
	}
	return ""
}

var cells = regexp.MustCompile(` {2,}`)

func firstCell(line string) string { return cells.Split(strings.TrimLeft(line, " "), 2)[0] }

func hasCell(lines []string, cell string) bool {
	for _, line := range lines {
		if firstCell(line) == cell {
			return true
		}
	}
	return false
}

var values = regexp.MustCompile(`("(\\.|[^"\\])*")(:?)|-?[0-9][0-9.]*`)

// kindsOf replaces the values in a line of JSON by their kinds.
func kindsOf(line string) string {
	return values.ReplaceAllStringFunc(line, func(v string) string {
		switch {
		case strings.HasSuffix(v, ":"):
			return v
		case v[0] == '"':
			return "string"
		}
		return "number"
	})
}
