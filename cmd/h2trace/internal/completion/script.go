package completion

import (
	"embed"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed shells
var shells embed.FS

// Shells are those that there is a script for.
var Shells = []string{"bash", "zsh", "fish"}

// Script returns the script for one of Shells.
func Script(shell string) (string, error) {
	text, err := shells.ReadFile("shells/h2trace." + shell)
	return string(text), err
}

// Write writes a result as the scripts read it: a line that says what else fits, then a
// line for each word, with its help after a tab. That first line is one of
//
//	words
//	files PREFIX
//	dirs PREFIX
//	command N
//
// Names of files come after PREFIX, and the command line of another program begins at the
// word N, counted from 0.
func (r Result) Write(w io.Writer) error {
	var b strings.Builder
	switch {
	case r.Run >= 0:
		fmt.Fprintf(&b, "command %d\n", r.Run)
	case r.Files:
		fmt.Fprintf(&b, "files %s\n", r.Prefix)
	case r.Dirs:
		fmt.Fprintf(&b, "dirs %s\n", r.Prefix)
	default:
		b.WriteString("words\n")
	}
	for _, word := range r.Words {
		if plain(word.Text) {
			fmt.Fprintf(&b, "%s\t%s\n", word.Text, oneLine(word.Help))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// plain reports whether a word has nothing that a shell acts on. Whoever starts a process
// chooses its name, and a word goes into the command line of another user.
func plain(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("-_.,:=+@%/", r)
	}) < 0
}

// oneLine keeps the names of processes, which may have any byte, from acting on the terminal,
// and from being taken for two lines. Invisible characters may turn the order of others.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
}
