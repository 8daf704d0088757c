package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/completion"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/cmd/h2trace/internal/proxies"
	"h2trace/cmd/h2trace/internal/trace"
	"h2trace/export/top"
)

// observes says that h2trace runs a COMMAND on this system.
const observes = true

// observingSet returns the flags of a subcommand that observes.
func observingSet(fs *pflag.FlagSet, name string) *pflag.FlagSet {
	var opts Options
	switch name {
	case "proxies":
		var sources trace.Sources
		bindProxies(fs, &opts.Proxies, &sources)
	case "top":
		all := newFlagSet(&opts)
		all.VisitAll(func(f *pflag.Flag) {
			if f.Name != "quiet" && !slices.Contains(meaninglessForTop, f.Name) {
				fs.AddFlag(f)
			}
		})
		opts.Top.bind(fs)
	case "check":
		all := newFlagSet(&opts)
		fs.AddFlag(all.Lookup("pid"))
		fs.AddFlag(all.Lookup("user"))
	default:
		return nil
	}
	return fs
}

// addObservingValues adds the values of flags that observing has.
func addObservingValues(values map[string]completion.Values) {
	values["pid"] = completion.Values{Words: processIDs, List: true}
	values["name"] = completion.Values{Words: processNames, List: true}
	values["user"] = completion.Values{Words: users}
	values["source"] = completion.ListOf("wire", "calls", "auto")
	values["plan"] = completion.Of(string(trace.PlanAuto), string(trace.PlanEntryRet))
	values["profile"] = completion.Of(proxies.ProfileDownload, proxies.ProfileEditor)
	values["view"] = completion.Of(top.Views[:]...)
	values["sort"] = completion.Of(columnNames()...)
}

// columnNames returns the names of the columns of all views of top.
func columnNames() (names []string) {
	for v := range top.Views {
		for _, c := range top.View(v).Columns() {
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	return names
}

// processIDs returns the processes that run, with their names.
func processIDs(string) (list []completion.Word) {
	for pid, stat := range processes() {
		list = append(list, completion.Word{Text: strconv.Itoa(pid), Help: stat.Comm})
	}
	slices.SortFunc(list, func(a, b completion.Word) int {
		x, _ := strconv.Atoi(a.Text)
		y, _ := strconv.Atoi(b.Text)
		return x - y
	})
	return list
}

// processNames returns the base names of the executables that run, as far as this user may
// know them. go and gopls are to be expected.
func processNames(string) (list []completion.Word) {
	names := []string{"go", "gopls"}
	for pid, stat := range processes() {
		name := stat.Comm // the kernel cuts it
		if exe, err := procfs.Executable(pid); err == nil {
			name = filepath.Base(exe)
		}
		if !strings.ContainsAny(name, ",/") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		list = append(list, completion.Word{Text: name})
	}
	return list
}

// processes returns all processes but this one, those that have ended and wait for their parent,
// and the threads of the kernel.
func processes() map[int]procfs.Stat {
	const kthreadd = 2
	found := make(map[int]procfs.Stat)
	entries, _ := os.ReadDir("/proc") // of none, no process is known
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() || pid == kthreadd {
			continue
		}
		if stat, err := procfs.ReadStat(pid); err == nil && stat.PPID != kthreadd && !procfs.Ended(pid) {
			found[pid] = stat
		}
	}
	return found
}

// users returns the users that /etc/passwd has.
func users(string) (list []completion.Word) {
	text, _ := os.ReadFile("/etc/passwd") // of none, no user is known
	for line := range strings.Lines(string(text)) {
		if name, _, ok := strings.Cut(line, ":"); ok && name != "" {
			list = append(list, completion.Word{Text: name})
		}
	}
	return list
}
