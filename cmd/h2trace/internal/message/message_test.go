package message

import "testing"

func TestOneLine(t *testing.T) {
	got, want := oneLine("a\x1b[2Jb\u009bc\nsecond\n"), "a?[2Jb?c; second"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
