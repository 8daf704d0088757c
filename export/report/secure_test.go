package report

import (
	"strings"
	"testing"

	"h2trace/export/redact"
)

// TestSecretKeys has tokens as keys of labels, also the shortest that has a shape.
func TestSecretKeys(t *testing.T) {
	for _, key := range []string{"xoxb" + "-" + strings.Repeat("a1", 5), "AKIA" + "IOSFODNN7EXAMPL3", "ghp" + "_" + strings.Repeat("aB3d", 9)} {
		const line = `{"v":1,"event":"summary","labels":{"KEY":"x","region":"eu"}}`
		var s secrets
		got := string(s.hide([]byte(strings.Replace(line, "KEY", key, 1))))
		if want := strings.Replace(line, "KEY", redact.Mark, 1); got != want {
			t.Errorf("%s: got %s", key, got)
		}
	}
}
