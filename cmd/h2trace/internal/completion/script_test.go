package completion

import (
	"strings"
	"testing"
)

// TestHostileNames has names of processes, which other users choose: none that a shell would act
// on is offered, and no help acts on the terminal.
func TestHostileNames(t *testing.T) {
	var b strings.Builder
	r := Result{Run: -1}
	for _, name := range []string{
		"$(reboot)", "`reboot`", "a;reboot", "a b", "~root", "*", "a\nfiles /", "'", `"`, `\`, "#", "!x", "{a,b}", "a>b", "", "é",
		"go", "a.out-1.2+3@x",
	} {
		r.Words = append(r.Words, Word{Text: name})
	}
	r.Words = append(r.Words, Word{"4711", "evil\x1b[2J\n\tname\u009b"}, Word{"4712", "é中\u202ex\xff\u2028"})
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "words\ngo\t\na.out-1.2+3@x\t\n4711\tevil?[2J??name?\n4712\té中?x??\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
