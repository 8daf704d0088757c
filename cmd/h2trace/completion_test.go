//go:build linux

package main

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/manpages"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/cmd/h2trace/internal/testkit/child"
)

// TestCompletionHasAll demands that completion knows each subcommand of the usage, and of each
// command the flags that the manual has, with help.
func TestCompletionHasAll(t *testing.T) {
	root := commandLine()
	var names []string
	for _, sub := range root.Subcommands {
		names = append(names, sub.Name)
	}
	sections := make(map[string]string)
	for _, s := range manpages.Sections(manpages.Comment(docSource)) {
		sections[s.Topic()] = s.Text
	}
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^\th2trace ([a-z]+)`).FindAllStringSubmatch(sections[""], -1) {
		want = append(want, m[1])
	}
	if !slices.Equal(names, want) {
		t.Errorf("subcommands %q, the usage has %q", names, want)
	}
	complete := func(words ...string) map[string]string {
		found := make(map[string]string)
		for _, w := range root.Complete(words).Words {
			found[w.Text] = w.Help
		}
		return found
	}
	for _, name := range append(names, "") {
		words := []string{name, "-"}
		if name == "" {
			words = words[1:]
		}
		found := complete(words...)
		if len(found) < 4 {
			t.Errorf("%q has only %q", name, slices.Sorted(maps.Keys(found)))
		}
		for _, o := range manpages.AllOptions(sections[name]) {
			if help, ok := found["--"+o.Long]; !ok || help != o.Help() && o.Long != "help" {
				t.Errorf("%q --%s: %q, the manual has %q", name, o.Long, help, o.Help())
			}
			if _, ok := found["-"+o.Short]; o.Short != "" && !ok {
				t.Errorf("%q -%s is missing", name, o.Short)
			}
		}
		for flag, help := range found {
			if help == "" {
				t.Errorf("%q %s has no help: the manual does not have it", name, flag)
			}
		}
	}
	// Flags that take a value know what it is, or the manual says that nobody can list it.
	free := strings.Fields("body-bytes buffer duration host label min-ms path pcap-count pcap-size " +
		"assert for jobs rounds timeout delay metrics otlp")
	for _, c := range append(root.Subcommands, *root) {
		for flag, v := range c.Values {
			f := c.Flags.Lookup(flag)
			listed := v.Words != nil || v.Files || v.Dirs
			if takes := f.NoOptDefVal == ""; takes != (listed || slices.Contains(free, flag)) {
				t.Errorf("%s --%s: takes a value %v, values to choose from %v", c.Name, flag, takes, listed)
			}
		}
	}
}

// TestProcessesToChoose demands that completion offers a process that runs, and neither itself, one
// that has ended and was not waited for, nor a thread of the kernel.
func TestProcessesToChoose(t *testing.T) {
	running, ended := exec.Command("cat"), exec.Command("true")
	child.Hold(t, running)
	child.Hold(t, ended)
	for end := time.Now().Add(time.Minute); !procfs.Ended(ended.Process.Pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("true does not end")
		}
	}
	found := processes()
	if _, ok := found[running.Process.Pid]; !ok {
		t.Error("a process that runs is missing")
	}
	for what, pid := range map[string]int{"itself": os.Getpid(), "an ended process": ended.Process.Pid, "kthreadd": 2} {
		if stat, ok := found[pid]; ok && (pid != 2 || stat.Comm == "kthreadd") {
			t.Errorf("completion offers %s, %d", what, pid)
		}
	}
}
