package proxies

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// mostHangs is how often in a row a proxy may hang until it is not asked again.
const mostHangs = 2

// record downloads through all proxies by turns. Each round begins with another one, so that
// no proxy always follows the same. It returns what was complete when ctx was done.
func (c *comparison) record(ctx context.Context, dir string) ([]download, error) {
	runtime.LockOSThread() // a download ends with the thread that started it
	defer runtime.UnlockOSThread()
	to, err := c.keepIn(dir)
	if err != nil {
		return nil, err
	}
	f := &fetcher{self: c.self, tool: c.tool, dir: dir, timeout: c.Timeout, sources: c.Sources, labels: c.Labels}
	if f.work, err = c.work(ctx, dir); ctx.Err() != nil {
		return nil, nil // that nothing was measured says it
	} else if err != nil {
		return nil, err
	}
	var list []download
	hangs := make([]int, len(c.entries))
	begin := time.Now()
	for round := 1; ctx.Err() == nil && c.goesOn(round, begin, hangs); round++ {
		for i := range c.entries {
			at := (i + round - 1) % len(c.entries)
			if hangs[at] == mostHangs || round > 1 && c.over(begin) {
				continue
			}
			c.progress.now("%s: %s", c.turn(round, len(list), begin), c.entries[at].name)
			d, err := f.fetch(ctx, c.entries[at], filepath.Join(to, fmt.Sprintf("proxy%d-run%d.jsonl", at+1, round)))
			d.proxy = at
			if ctx.Err() != nil {
				_ = os.Remove(d.events) // it may not have begun
				c.progress.end()
				c.msg.Infof("interrupted; this is of the downloads that had ended")
				return list, nil
			}
			if err != nil {
				return nil, err
			}
			list = append(list, d)
			c.note(round, &d, hangs)
		}
	}
	return list, nil
}

// keepIn returns the directory for the recordings.
func (c *comparison) keepIn(dir string) (string, error) {
	if c.Keep == "" {
		return c.tool.tempDir(dir)
	}
	to, err := filepath.Abs(c.Keep)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(to); err == nil {
		return to, nil
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return "", err
	}
	if c.tool.user != nil {
		err = os.Chown(to, c.tool.user.UID, c.tool.user.GID)
	}
	return to, err
}

// work returns what is done through each proxy. Files of it are in dir.
func (c *comparison) work(ctx context.Context, dir string) (work, error) {
	if c.Profile == ProfileEditor {
		c.progress.now("preparing the profile %s", c.Profile)
		return prepareEditor(ctx, c.tool, c.modules, c.entries, dir)
	}
	return downloads(c.tool.path, c.modules, c.Jobs), nil
}

// goesOn reports whether there is another round.
func (c *comparison) goesOn(round int, begin time.Time, hangs []int) bool {
	alive := false
	for _, n := range hangs {
		alive = alive || n < mostHangs
	}
	if c.For > 0 {
		return alive && (round == 1 || !c.over(begin))
	}
	return alive && round <= c.Rounds
}

// over reports whether the time to measure is over.
func (c *comparison) over(begin time.Time) bool { return c.For > 0 && time.Since(begin) >= c.For }

// turn says how far the downloads are.
func (c *comparison) turn(round, done int, begin time.Time) string {
	past := time.Since(begin)
	if c.For > 0 {
		return fmt.Sprintf("round %d, %s of %s", round, past.Round(time.Second), c.For)
	}
	text := fmt.Sprintf("round %d of %d", round, c.Rounds)
	if rest := c.Rounds*len(c.entries) - done; done > 0 {
		text += fmt.Sprintf(", some %s left", (past / time.Duration(done) * time.Duration(rest)).Round(time.Second))
	}
	return text
}

// note says how a download ended, and counts those that hung.
func (c *comparison) note(round int, d *download, hangs []int) {
	name := c.entries[d.proxy].name
	switch {
	case d.failed:
		c.progress.done("round %d: %s: failed after %.1f s: %s", round, name, d.took.Seconds(), d.said)
	default:
		c.progress.done("round %d: %s: %.1f s", round, name, d.took.Seconds())
	}
	if !d.timedOut {
		hangs[d.proxy] = 0
		return
	}
	if hangs[d.proxy]++; hangs[d.proxy] == mostHangs && round < c.Rounds {
		c.progress.end()
		c.msg.Infof("%s is not asked again: %d downloads in a row were not done after %s", name, mostHangs, c.Timeout)
	}
}
