package manpages

import (
	"regexp"
	"strings"
)

// Option is a flag of a list of flags.
type Option struct {
	Short string // the letter, or ""
	Long  string // the name
	Value string // the name of its value, or ""
	Text  string // what the list says on it, in one line
}

// optionLine is the first line of an option. A value has an upper-case letter, which the
// first word of a text has not.
var optionLine = regexp.MustCompile(`^(?:-(\w), )?\s*--([a-z][a-z-]*)(?: (\S*[A-Z]\S*))?(?:\s+(\S.*))?$`)

// Options reads a block of lines without indentation as a list of flags. It is none if its
// first line is no option.
func Options(block string) (list []Option, ok bool) {
	for line := range strings.Lines(block) {
		line = strings.TrimSuffix(line, "\n")
		m := optionLine.FindStringSubmatch(strings.TrimLeft(line, " "))
		if m != nil && !deep(line) {
			list = append(list, Option{m[1], m[2], m[3], m[4]})
			continue
		}
		if len(list) == 0 {
			return nil, false
		}
		o := &list[len(list)-1]
		o.Text = strings.TrimSpace(o.Text + " " + strings.TrimSpace(line))
	}
	return list, len(list) > 0
}

// deep reports whether a line is the text of an option, not its names.
func deep(line string) bool { return strings.HasPrefix(line, strings.Repeat(" ", 8)) }

// Help returns the first clause of the text of an option, for a list of choices.
func (o Option) Help() string {
	text := o.Text
	for _, end := range []string{"; ", " (", ". ", ": "} {
		text, _, _ = strings.Cut(text, end)
	}
	return strings.TrimRight(text, ",.")
}

// AllOptions returns the options of all lists in a text whose blocks are indented by a tab.
func AllOptions(text string) (list []Option) {
	var block strings.Builder
	flush := func() {
		if options, ok := Options(block.String()); ok {
			list = append(list, options...)
		}
		block.Reset()
	}
	for line := range strings.Lines(text) {
		code, indented := strings.CutPrefix(line, "\t")
		if !indented {
			flush()
			continue
		}
		block.WriteString(code)
	}
	flush()
	return list
}
