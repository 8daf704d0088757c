package manpages

import (
	"fmt"
	"go/doc/comment"
	"strings"
)

// writer writes man(7), which man-db and mandoc read.
type writer struct {
	b      strings.Builder
	headed bool // a heading came last
}

// lineWidth is how long the lines of the source are at most.
const lineWidth = 78

// macro writes a request line. Its arguments are plain words.
func (w *writer) macro(name string, args ...string) {
	w.b.WriteString("." + name)
	for _, arg := range args {
		w.b.WriteString(` "` + arg + `"`)
	}
	w.b.WriteString("\n")
	w.headed = name == "SH"
}

// paragraph begins one, which a heading does, too.
func (w *writer) paragraph() {
	if !w.headed {
		w.macro("PP")
	}
	w.headed = false
}

// fill writes text that has been escaped, and whose lines may be filled.
func (w *writer) fill(text string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > lineWidth:
			w.line(line)
			line = word
		default:
			line += " " + word
		}
	}
	if line != "" {
		w.line(line)
	}
}

// line writes a line of text, which is no request whatever it begins with.
func (w *writer) line(line string) {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		line = `\&` + line
	}
	w.b.WriteString(line + "\n")
}

// escapes are what roff would take for something else, or print as another character.
var escapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "~", `\(ti`, "^", `\(ha`, `"`, `\(dq`)

// escape returns text that is printed as it is.
func escape(text string) string {
	text = escapes.Replace(text)
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, `\[u%04X]`, r)
	}
	return b.String()
}

// blocks writes what a doc comment has.
func (w *writer) blocks(text string) {
	// The parser takes away indentation that all lines have.
	const unindented = "Text:\n\n"
	var p comment.Parser
	for _, block := range p.Parse(unindented + text).Content[1:] {
		switch block := block.(type) {
		case *comment.Paragraph:
			w.paragraph()
			w.fill(escape(plain(block.Text)))
		case *comment.List:
			w.list(block)
		case *comment.Code:
			w.code(block.Text)
		}
	}
}

// list writes a list with bullets.
func (w *writer) list(list *comment.List) {
	for _, item := range list.Items {
		w.b.WriteString(".IP \\(bu 2\n")
		w.headed = false
		for _, block := range item.Content {
			if p, ok := block.(*comment.Paragraph); ok {
				w.fill(escape(plain(p.Text)))
			}
		}
	}
}

// code writes an indented block: a list of flags, or lines that stay as they are.
func (w *writer) code(text string) {
	if options, ok := Options(text); ok {
		for _, o := range options {
			w.option(o)
		}
		return
	}
	w.paragraph()
	w.b.WriteString(".RS 4\n.EX\n")
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); line == "" {
			line = `\&`
		} else {
			line = escape(line)
		}
		w.line(line)
	}
	w.b.WriteString(".EE\n.RE\n")
}

// option writes a flag with its text.
func (w *writer) option(o Option) {
	w.macro("TP")
	names := `\fB` + escape("--"+o.Long) + `\fR`
	if o.Short != "" {
		names = `\fB` + escape("-"+o.Short) + `\fR, ` + names
	}
	if o.Value != "" {
		names += ` \fI` + escape(o.Value) + `\fR`
	}
	w.line(names)
	w.fill(escape(o.Text))
}

// plain returns the text of a paragraph.
func plain(text []comment.Text) string {
	var b strings.Builder
	for _, t := range text {
		switch t := t.(type) {
		case comment.Plain:
			b.WriteString(string(t))
		case comment.Italic:
			b.WriteString(string(t))
		case *comment.Link:
			b.WriteString(plain(t.Text))
		case *comment.DocLink:
			b.WriteString(plain(t.Text))
		}
	}
	return b.String()
}
