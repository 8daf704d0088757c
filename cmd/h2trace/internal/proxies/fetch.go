package proxies

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/export/redact"
)

// download is one download of all modules through one proxy, and its recording.
type download struct {
	proxy    int    // index of the entry
	events   string // file
	failed   bool
	timedOut bool
	took     time.Duration // with the observing
	said     string        // why it failed, without credentials
}

// work is what is done through each proxy.
type work struct {
	// argv returns the command. It may use the directory dir, which is empty.
	argv func(dir string) ([]string, error)
	// talk speaks with the command, if it is not nil.
	talk func(dir string, in io.Writer, out io.Reader) error
}

// fetcher runs and records downloads.
type fetcher struct {
	self    string // executable of h2trace
	tool    *goTool
	work    work
	dir     string // for what is removed
	timeout time.Duration
	sources string // of the observation, "" for the default
	labels  []string
}

// grace is how long a download that was told to end may take for that.
const grace = 10 * time.Second

// fetch downloads through a proxy with an empty cache, and records that in the file events.
// An error says that nothing was observed, or that ctx is done.
func (f *fetcher) fetch(ctx context.Context, e entry, events string) (d download, err error) {
	d.events = events
	_ = os.Remove(events) // an older recording; h2trace says why if that does not work
	dir, err := f.tool.tempDir(f.dir)
	if err != nil {
		return d, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left goes with f.dir
	argv, err := f.work.argv(dir)
	if err != nil {
		return d, err
	}
	cmd := exec.Command(f.self, f.observer(events, argv)...)
	cmd.Dir, cmd.Env = dir, f.environ(e, dir)
	// Its own process group, so that all of a download that hangs can be ended.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGTERM}
	cmd.WaitDelay = grace
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	ended, err := f.start(cmd, dir)
	if err != nil {
		return d, err
	}
	begin := time.Now()
	d.timedOut, err = f.wait(ctx, cmd.Process.Pid, ended)
	d.took = time.Since(begin)
	switch {
	case ctx.Err() != nil:
		return d, ctx.Err()
	case d.timedOut:
		d.failed, d.said = true, "not done after "+f.timeout.String()
	case err != nil:
		d.failed, d.said = true, cmp.Or(complaint(stderr.String()), err.Error())
	}
	if _, err := os.Stat(events); err != nil || cmd.ProcessState.ExitCode() == launch.NotRun {
		return d, errors.New(redact.String(strings.TrimPrefix(strings.TrimSpace(stderr.String()), "h2trace: ")))
	}
	return d, nil
}

// start starts the observer. The channel gets what it ended with, or else why talking to the
// command failed.
func (f *fetcher) start(cmd *exec.Cmd, dir string) (<-chan error, error) {
	ended := make(chan error, 1)
	if f.work.talk == nil {
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		go func() { ended <- cmd.Wait() }()
		return ended, nil
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		talked := f.work.talk(dir, in, out)
		_ = in.Close() // the command ends with its input
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); talked == nil {
			talked = err
		}
		ended <- talked
	}()
	return ended, nil
}

// observer returns the arguments for h2trace.
func (f *fetcher) observer(events string, argv []string) []string {
	args := []string{"--quiet", "--events", "process,conn,exchange,stall,frame=HEADERS", "--output", events}
	if f.tool.user != nil {
		args = append(args, "--user", f.tool.userName)
	}
	if f.sources != "" {
		args = append(args, "--source", f.sources)
	}
	for _, label := range f.labels {
		args = append(args, "--label", label)
	}
	return append(append(args, "--"), argv...)
}

// environ returns the environment for the go command: that of the user, with one proxy and an
// empty cache. No file above the directory, and no other release of Go, takes part.
func (f *fetcher) environ(e entry, dir string) []string {
	env := f.tool.env[:len(f.tool.env):len(f.tool.env)]
	return append(env,
		"GOPROXY="+e.value,
		"GOMODCACHE="+filepath.Join(dir, "cache"),
		"GOFLAGS="+strings.TrimSpace(f.tool.settings.GOFLAGS+" -modcacherw"), // else the user could not remove it
		"GOWORK=off",
		"GOTOOLCHAIN=local",
	)
}

// wait waits for the end of a download, and brings it about after the timeout and when ctx is
// done. It returns what the download ended with.
func (f *fetcher) wait(ctx context.Context, group int, ended <-chan error) (timedOut bool, err error) {
	timeout := time.NewTimer(f.timeout)
	defer timeout.Stop()
	select {
	case err := <-ended:
		return false, err
	case <-timeout.C:
		return true, stop(group, ended)
	case <-ctx.Done():
		return false, stop(group, ended)
	}
}

// stop ends all of a download, and returns what it ended with. h2trace itself gets no signal:
// it has to see the end, and a recording that a signal cut short would not count as one of a
// proxy that does not answer.
func stop(group int, ended <-chan error) error {
	self, _ := os.Readlink("/proc/self/exe") // on an error, h2trace gets the signal
	observed := false
	for _, pid := range processes() {
		if of, err := unix.Getpgid(pid); err != nil || of != group {
			continue
		}
		if exe, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "exe")); err == nil && exe != self {
			_ = unix.Kill(pid, unix.SIGTERM) // it may have ended just now
			observed = true
		}
	}
	if !observed {
		_ = unix.Kill(group, unix.SIGTERM) // the command has not begun, or hangs in h2trace
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		_ = unix.Kill(-group, unix.SIGKILL)
		return <-ended
	}
}

// complaint returns the first line of a text that is no news of the go command, without
// credentials.
func complaint(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !news.MatchString(line) {
			return redact.String(line)
		}
	}
	return ""
}

// news matches what the go command prints where nothing is wrong.
var news = regexp.MustCompile(`^go: (downloading|added|upgraded|found|finding|creating|to add) `)

// processes returns the ids of all processes.
func processes() (pids []int) {
	names, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, name := range names {
		if pid, err := strconv.Atoi(name.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
