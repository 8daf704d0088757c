package completion

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Result is what the last word of a command line can be.
type Result struct {
	Words  []Word
	Prefix string // what of the last word stands before the name of a file, as in --output=FILE
	Files  bool   // also names of files
	Dirs   bool   // also names of directories
	Run    int    // the word at which the command line of another program begins, or -1
}

// walk is the state of reading a command line.
type walk struct {
	command *Command
	pending *pflag.Flag // waits for its value
	last    string      // the name of the flag whose value came last
	ended   bool        // "--" was there
	args    []string
	run     int
}

// Complete returns what the last of words can be. They do not have the name of the program.
func (c *Command) Complete(words []string) Result {
	if len(words) == 0 {
		words = []string{""}
	}
	w := walk{command: c, run: -1}
	last := len(words) - 1
	for i, word := range words[:last] {
		w.read(word, i)
		if w.run >= 0 {
			return Result{Run: w.run}
		}
	}
	return w.complete(words[last], last)
}

// read takes a word before the last.
func (w *walk) read(word string, i int) {
	switch {
	case w.pending != nil:
		w.last, w.pending = w.pending.Name, nil
	case w.ended:
		w.argument(word, i)
	case word == "--":
		w.ended = true
	case strings.HasPrefix(word, "--"):
		name, _, valued := strings.Cut(word[2:], "=")
		if f := w.command.Flags.Lookup(name); takesValue(f) && !valued {
			w.pending = f
		}
	case len(word) > 1 && word[0] == '-':
		w.pending = w.shorthands(word[1:])
	default:
		w.argument(word, i)
	}
}

// shorthands returns the flag of letters behind one "-" that waits for a value.
func (w *walk) shorthands(letters string) *pflag.Flag {
	for i := range len(letters) {
		if letters[i] >= 0x80 {
			return nil
		}
		f := w.command.Flags.ShorthandLookup(letters[i : i+1])
		switch {
		case !takesValue(f):
		case i+1 < len(letters):
			return nil // what follows is the value
		default:
			return f
		}
	}
	return nil
}

// argument takes a word that is no flag.
func (w *walk) argument(word string, i int) {
	if w.command.ManyPIDs != "" && w.last == w.command.ManyPIDs && strings.Trim(word, "0123456789, ") == "" {
		return
	}
	w.last = ""
	if sub := w.command.subcommand(word); sub != nil && !w.ended && len(w.args) == 0 {
		w.command = sub
		return
	}
	if w.command.Runs {
		w.run = i
		return
	}
	w.args = append(w.args, word)
}

// complete returns what the last word can be.
func (w *walk) complete(word string, i int) Result {
	if w.pending != nil {
		return w.values(w.pending.Name, "", word)
	}
	if !w.ended && strings.HasPrefix(word, "-") {
		if name, value, valued := strings.Cut(word, "="); valued {
			return w.values(strings.TrimPrefix(name, "--"), name+"=", value)
		}
		return Result{Words: w.command.flagWords(word), Run: -1}
	}
	r := Result{Run: -1}
	if w.command.Args != nil {
		r = w.command.Args(w.args).match("", word)
	}
	if !w.ended {
		for _, sub := range w.command.Subcommands {
			if strings.HasPrefix(sub.Name, word) {
				r.Words = append(r.Words, Word{sub.Name, sub.Help})
			}
		}
	}
	if w.command.Runs {
		r.Run = i
	}
	return r
}

// values returns the values of a flag.
func (w *walk) values(flag, prefix, word string) Result {
	return w.command.Values[flag].match(prefix, word)
}

// match returns which values begin with a word, but for those that the list has already. prefix
// is what stands before it.
func (v Values) match(prefix, word string) Result {
	r := Result{Prefix: prefix, Files: v.Files, Dirs: v.Dirs, Run: -1}
	if v.Words == nil {
		return r
	}
	before, taken := "", []string(nil)
	if comma := strings.LastIndex(word, ","); v.List && comma >= 0 {
		taken = strings.Split(word[:comma], ",")
		before, word = word[:comma+1], word[comma+1:]
	}
	for _, w := range v.Words(word) {
		if strings.HasPrefix(w.Text, word) && !slices.Contains(taken, w.Text) {
			r.Words = append(r.Words, Word{prefix + before + w.Text, w.Help})
		}
	}
	return r
}
