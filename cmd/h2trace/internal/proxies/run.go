package proxies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/message"
)

// Options is what the command line asks for.
type Options struct {
	Proxies []string      // none: those of the user's GOPROXY
	Modules string        // file; "": the module at hand, or a small list
	Rounds  int           // downloads through each proxy
	For     time.Duration // if it is not 0, rounds are begun for that long
	Jobs    int           // downloads at once
	Labels  []string      // KEY=VALUE
	Keep    string        // directory for the recordings, "" for none
	Timeout time.Duration // of one download
	Profile string        // ProfileDownload or ProfileEditor
	User    string        // "" for that of h2trace
	Sources string        // of the observation, "" for the default
	JSON    bool
	Quiet   bool
}

// The profiles.
const (
	ProfileDownload = "download" // go mod download
	ProfileEditor   = "editor"   // go get, go mod tidy and gopls
)

// ErrAllFailed says that no download was successful. The result is printed all the same.
var ErrAllFailed = errors.New("all downloads failed")

// comparison is one comparison of proxies.
type comparison struct {
	Options
	msg      *message.Printer
	progress *progress
	tool     *goTool
	entries  []entry
	modules  []module.Version
	what     string // the modules, for people
	self     string // executable of h2trace
}

// Run compares proxies, and writes the result to stdout. An *InputError is a mistake of the
// user. When ctx is done, Run ends early, with what there is.
func Run(ctx context.Context, opts Options, msg *message.Printer, stdout io.Writer, stderr *os.File) error {
	c := &comparison{Options: opts, msg: msg, progress: newProgress(stderr, opts.Quiet, msg), self: "/proc/self/exe"}
	if err := c.choose(ctx); err != nil {
		return err
	}
	dir, err := c.tool.tempDir("")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // only a leftover, in the directory for temporary files
	list, err := c.record(ctx, dir)
	defer c.progress.end()
	switch {
	case err != nil:
		return err
	case len(list) == 0:
		return errors.New("interrupted before the first download had ended")
	}
	c.progress.now("reading %s", message.Count(uint64(len(list)), "recording", "recordings"))
	result, err := sumUp(c.entries, list, endOf(c.tool.settings.GOPROXY))
	c.progress.end()
	if err != nil {
		return err
	}
	result.Work, result.Labels = c.describe(list), append([]string{}, c.Labels...)
	if err := c.print(result, stdout); err != nil {
		return err
	}
	for _, d := range list {
		if !d.failed {
			return nil
		}
	}
	return ErrAllFailed
}

// choose finds the go command, the proxies and the modules.
func (c *comparison) choose(ctx context.Context) (err error) {
	if len(c.Proxies) > 0 {
		if c.entries, err = parseEntries(c.Proxies); err != nil {
			return err
		}
	}
	if c.Modules != "" {
		if c.modules, err = readModules(c.Modules); err != nil {
			return err
		}
		c.what = " of " + c.Modules
	}
	if c.tool, err = findGo(ctx, c.User); err != nil {
		return err
	}
	if len(c.entries) == 0 {
		if err := c.chooseOwn(); err != nil {
			return err
		}
	}
	if len(c.modules) == 0 {
		if err := c.chooseModules(); err != nil {
			return err
		}
	}
	return c.leaveOutPrivate()
}

// chooseOwn takes the entries of the user's GOPROXY.
func (c *comparison) chooseOwn() error {
	var not []string
	c.entries, not = ownEntries(c.tool.settings.GOPROXY)
	for _, why := range not {
		c.msg.Infof("left out: %s", why)
	}
	if len(c.entries) == 0 {
		return errors.New("GOPROXY names no proxy to measure; name some, such as h2trace proxies https://goproxy.example")
	}
	return nil
}

// chooseModules takes the requirements of the module at hand, or a small list.
func (c *comparison) chooseModules() error {
	if file := c.tool.settings.GOMOD; file != "" && file != os.DevNull {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if c.modules, err = parseGoMod(file, data); err != nil {
			return err
		}
		c.what = " of " + file
	}
	if len(c.modules) == 0 {
		c.modules, c.what = smallList, " of a small list"
	}
	return nil
}

// leaveOutPrivate takes out the modules that never come from a proxy, unless none is asked.
func (c *comparison) leaveOutPrivate() error {
	if len(c.entries) == 1 && c.entries[0].direct() {
		return nil
	}
	rest, private := withoutPrivate(c.modules, c.tool.settings.GONOPROXY)
	switch {
	case len(private) == 0:
		return nil
	case len(rest) == 0:
		return inputf("GONOPROXY has all of these modules fetched directly, such as %s: no proxy is asked for them", private[0])
	}
	c.modules = rest
	c.msg.Infof("left out, as GONOPROXY has them fetched directly: %s", few(private))
	return nil
}

// few joins the first of many names.
func few(names []string) string {
	const most = 3
	text := ""
	for i, name := range names[:min(len(names), most)] {
		if i > 0 {
			text += ", "
		}
		text += name
	}
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// describe says what was done through each proxy.
func (c *comparison) describe(list []download) string {
	text := message.Count(uint64(len(list)), "download", "downloads")
	if c.Profile == ProfileEditor {
		text = message.Count(uint64(len(list)), "run", "runs") + " of go get, go mod tidy and gopls"
	}
	text += " of " + message.Count(uint64(len(c.modules)), "module", "modules") + c.what
	if c.Jobs > 1 {
		text += fmt.Sprintf(", %d at once", c.Jobs)
	}
	if len(c.entries) > 1 {
		text += fmt.Sprintf(", through %d proxies by turns", len(c.entries))
	}
	return text
}

// print writes the result, and says what it cost and what the advice rests on.
func (c *comparison) print(r *Result, stdout io.Writer) error {
	var usage unix.Rusage
	own := 0.0
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err == nil {
		own = float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
	}
	for _, reason := range r.reasons {
		c.msg.Infof("%s", reason)
	}
	if c.Keep != "" {
		c.msg.Infof("the recordings are in %s, for h2trace report", c.Keep)
	}
	c.msg.Infof("observing took %.1f s of CPU, and comparing %.1f s", r.CPU/1e3, own)
	if c.JSON {
		return json.NewEncoder(stdout).Encode(r)
	}
	return r.WriteText(stdout)
}
