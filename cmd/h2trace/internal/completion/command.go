// Package completion completes command lines of h2trace in shells. What can stand
// where comes from the flag sets that parse the command line, so that no flag can be
// missing. The scripts for bash, zsh and fish ask "h2trace __complete WORD..." what the
// last word can be, and show it as their shell does.
package completion

import (
	"github.com/spf13/pflag"
)

// Hidden is the subcommand that the scripts run.
const Hidden = "__complete"

// Command is a command whose line can be completed.
type Command struct {
	Name        string
	Help        string
	Flags       *pflag.FlagSet
	Values      map[string]Values // of flags, by their long names
	Args        func(before []string) Values
	Subcommands []Command

	// Runs says that the first argument, if it is no subcommand, begins the command line
	// of another program, and that flags end there.
	Runs bool
	// ManyPIDs are flags whose value can go on in further words that are numbers.
	ManyPIDs string
	// Describe returns the help on a flag. It may be nil.
	Describe func(flag string) string
}

// Values is what a word can be.
type Values struct {
	Words func(begin string) []Word // nil for none; begin is what is typed of it
	List  bool                      // of Words, separated by commas
	Files bool                      // names of files and directories
	Dirs  bool                      // names of directories
}

// Word is one of the words that fit.
type Word struct {
	Text string
	Help string // one short line, or ""
}

// Of returns Values of constant words.
func Of(words ...string) Values {
	list := make([]Word, 0, len(words))
	for _, word := range words {
		list = append(list, Word{Text: word})
	}
	return Values{Words: func(string) []Word { return list }}
}

// ListOf returns Values of constant words separated by commas.
func ListOf(words ...string) Values {
	v := Of(words...)
	v.List = true
	return v
}

// subcommand returns the subcommand of a name.
func (c *Command) subcommand(name string) *Command {
	for i := range c.Subcommands {
		if c.Subcommands[i].Name == name {
			return &c.Subcommands[i]
		}
	}
	return nil
}

// takesValue reports whether a flag takes the word after it.
func takesValue(f *pflag.Flag) bool { return f != nil && f.NoOptDefVal == "" }

// flagWords returns the flags that begin with a prefix, "-" or "--" and more. The help on
// a flag is with its long name.
func (c *Command) flagWords(prefix string) (list []Word) {
	add := func(text, help string) {
		if len(text) >= len(prefix) && text[:len(prefix)] == prefix {
			list = append(list, Word{text, help})
		}
	}
	c.Flags.VisitAll(func(f *pflag.Flag) {
		help := ""
		if c.Describe != nil {
			help = c.Describe(f.Name)
		}
		if f.Shorthand != "" {
			add("-"+f.Shorthand, help)
		}
		add("--"+f.Name, help)
	})
	add("--help", "print help")
	add("-h", "print help")
	return list
}
