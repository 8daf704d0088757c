package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"h2trace/cmd/h2trace/internal/manpages"
	"h2trace/cmd/h2trace/internal/message"
)

//go:embed doc.go
var docSource string

// topicFlags is the topic of what stands before the first heading of the
// manual: the forms of the command line and the flags.
const topicFlags = "flags"

// manual returns the package comment, which is the help text. Tabs are narrower
// than those of a terminal, so that no line is wider than 80 columns.
func manual() string {
	return strings.ReplaceAll(manpages.Comment(docSource), "\t", "  ")
}

// topics names the sections of the manual.
func topics() []string {
	list := []string{topicFlags}
	for _, s := range manpages.Sections(manual())[1:] {
		list = append(list, s.Topic())
	}
	return list
}

// helpOn returns the help on a topic, or the whole manual for "".
func helpOn(topic string) (string, error) {
	sections := manpages.Sections(manual())
	switch strings.ToLower(topic) {
	case "":
		return manual(), nil
	case topicFlags:
		return fmt.Sprintf("%s\n\"h2trace help\" prints the whole manual, \"h2trace help TOPIC\" a part of it:\n%s"+
			"or, on a cause that h2trace report names, what it means and what to change:\n%s",
			sections[0].Text, wrap(topics()[1:]), wrap(causeTopics())), nil
	}
	for _, s := range sections[1:] {
		if strings.EqualFold(s.Topic(), topic) {
			return s.Text, nil
		}
	}
	if text, ok := helpOnCause(topic); ok {
		return text, nil
	}
	return "", usagef("no help on %q; the topics are %s, and the causes of a verdict, %s", topic, strings.Join(topics(), ", "),
		strings.Join(causeTopics(), ", "))
}

// columns is how wide a line of help may be.
const columns = 80

// wrap joins words to indented lines.
func wrap(words []string) string {
	var b strings.Builder
	const indent = "  "
	line := indent + words[0]
	for _, word := range words[1:] {
		if len(line)+1+len(word) > columns {
			b.WriteString(line + "\n")
			line = indent + word
			continue
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

// printHelp prints the help on a topic that parseArgs has accepted.
func printHelp(topic string, msg *message.Printer, stdout io.Writer) int {
	text, err := helpOn(topic)
	if err != nil {
		msg.Errorf("%v", err)
		return exitUsage
	}
	return printText(text, msg, stdout)
}

// printText writes what the user asked to read, and says so when it cannot.
func printText(text string, msg *message.Printer, stdout io.Writer) int {
	if _, err := io.WriteString(stdout, text); err != nil {
		msg.Errorf("%v", err)
		return exitRuntime
	}
	return exitOK
}

// shortUsage is for those who typed the name alone.
const shortUsage = `usage: h2trace [flags] COMMAND [ARG...]
       h2trace [flags] -p PID
       h2trace [flags] -n NAME
       h2trace top [COMMAND [ARG...]]
       h2trace proxies [PROXY...]
       h2trace report [FILE...]
       h2trace replay [FILE...]
       h2trace convert FORMAT [FILE...]
       h2trace check [-p PID]
       h2trace completion bash|zsh|fish
       h2trace version
       h2trace help [TOPIC]

Run 'h2trace --help' for the flags, 'h2trace help' for the manual.
`
