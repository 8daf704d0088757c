package manpages

import (
	"slices"
	"strings"
)

// Page is a man page.
type Page struct {
	Name    string // as in h2trace-report
	Section string // of man: 1 for commands, 7 for all else
	Text    string // man(7)
}

// File is the name of the page's file.
func (p Page) File() string { return p.Name + "." + p.Section }

// Reference is how other pages name it.
func (p Page) Reference() string { return p.Name + "(" + p.Section + ")" }

// Edition is what the foot of a page has.
type Edition struct {
	Date    string // as in 2026-11-30
	Version string
}

// apart are the sections of the manual with a page of their own that are no subcommands.
var apart = map[string]string{
	"events": "the events that h2trace prints",
}

// part is a page that is to be written.
type part struct {
	page    Page
	summary string
	write   func(w *writer)
}

// Pages returns the man pages of the manual, a package comment, and of the pages on the
// causes of a verdict.
func Pages(manual, causes string, e Edition) []Page {
	sections := Sections(manual)
	intro := sections[0].Text
	parts := []part{{page: Page{Name: "h2trace", Section: "1"}, summary: "trace the HTTP/2 that Go programs speak"}}
	var rest []Section
	for _, s := range sections[1:] {
		if p, ok := ownPage(s, intro); ok {
			parts = append(parts, p)
		} else {
			rest = append(rest, s)
		}
	}
	parts[0].write = func(w *writer) {
		w.main(intro)
		w.sections(rest)
	}
	parts = append(parts, part{Page{Name: "h2trace-causes", Section: "7"}, "the causes that h2trace report names", func(w *writer) {
		w.heading("DESCRIPTION")
		w.blocks("Each section is a cause, as h2trace help CAUSE prints it.")
		w.sections(Sections(causes))
	}})
	pages := make([]Page, len(parts))
	for i, p := range parts {
		pages[i] = p.finish(e, parts)
	}
	return pages
}

// ownPage returns the page of a section that has one.
func ownPage(s Section, intro string) (part, bool) {
	if summary, ok := apart[s.Topic()]; ok {
		return part{Page{Name: "h2trace-" + s.Topic(), Section: "7"}, summary, func(w *writer) {
			w.heading("DESCRIPTION")
			w.blocks(s.Text)
		}}, true
	}
	i := slices.IndexFunc(Subcommands, func(c Subcommand) bool { return c.Name == s.Topic() })
	if i < 0 || s.Topic() == "version" || s.Topic() == "help" {
		return part{}, false
	}
	name := Subcommands[i].Name
	return part{Page{Name: "h2trace-" + name, Section: "1"}, Subcommands[i].Summary, func(w *writer) {
		usage, text := synopsis(s.Text, name, intro)
		w.heading("SYNOPSIS")
		w.usage(usage)
		w.heading("DESCRIPTION")
		w.blocks(text)
	}}, true
}

// synopsis parts the usage, with which the section of a subcommand begins, from the rest. If
// there is none, it is that of the manual.
func synopsis(text, name, intro string) (usage, rest string) {
	if strings.HasPrefix(text, "\t") {
		usage, rest, _ = strings.Cut(text, "\n\n")
		return usage, rest
	}
	for line := range strings.Lines(intro) {
		if strings.HasPrefix(line, "\th2trace "+name+" ") {
			usage += line
		}
	}
	return usage, text
}

// finish writes a page.
func (p part) finish(e Edition, all []part) Page {
	w := new(writer)
	w.macro("TH", strings.ToUpper(p.page.Name), p.page.Section, e.Date, "h2trace "+e.Version, "h2trace")
	w.heading("NAME")
	w.line(escape(p.page.Name) + ` \- ` + escape(p.summary))
	p.write(w)
	w.heading("SEE ALSO")
	var others []string
	for _, o := range all {
		if o.page.Name != p.page.Name {
			others = append(others, `\fB`+escape(o.page.Name)+`\fR(`+o.page.Section+`)`)
		}
	}
	w.fill(strings.Join(others, ", "))
	p.page.Text = w.b.String()
	return p.page
}

// heading writes the head of a section.
func (w *writer) heading(title string) { w.macro("SH", strings.ToUpper(title)) }

// sections writes sections with their heads.
func (w *writer) sections(list []Section) {
	for _, s := range list {
		w.heading(s.Title)
		w.blocks(s.Text)
	}
}

// usage writes forms of a command line.
func (w *writer) usage(forms string) {
	w.b.WriteString(".nf\n")
	for line := range strings.Lines(forms) {
		w.line(escape(strings.Trim(line, "\t\n")))
	}
	w.b.WriteString(".fi\n")
}

// main writes what stands before the first heading: what h2trace is, "Usage:" with the forms,
// what they do, "Flags:" with the flags.
func (w *writer) main(intro string) {
	about, rest, _ := strings.Cut(intro, "\nUsage:\n\n")
	usage, rest, _ := strings.Cut(rest, "\n\n")
	text, flags, _ := strings.Cut(rest, "\nFlags:\n")
	w.heading("SYNOPSIS")
	w.usage(usage)
	w.heading("DESCRIPTION")
	w.blocks(about + "\n" + text)
	w.heading("OPTIONS")
	w.blocks(flags)
}
