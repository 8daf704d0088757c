package proxies

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/message"
)

// observer stands in for h2trace: it notes the proxy and its arguments, and makes a recording.
// Downloads through a proxy called hang last longer than any test.
const observer = `#!/bin/sh
echo "$GOPROXY $*" >>"$OBSERVED"
while [ "$1" != --output ]; do shift; done
echo >"$2"
case $GOPROXY in
*hang*) sleep 600 ;;
*fail*) echo "go: cannot read https://me:secret@fail.example" >&2; exit 1 ;;
*broken*) echo "h2trace: no probes" >&2; exit 125 ;;
esac
`

// newComparison returns a comparison that is observed by the stand-in, and the file of its notes.
func newComparison(t *testing.T, opts Options, proxies ...string) (c *comparison, notes string) {
	t.Helper()
	dir := t.TempDir()
	self := filepath.Join(dir, "observer")
	if err := os.WriteFile(self, []byte(observer), 0o700); err != nil {
		t.Fatal(err)
	}
	notes = filepath.Join(dir, "notes")
	stderr, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stderr.Close() })
	msg := message.New(io.Discard, false)
	c = &comparison{Options: opts, msg: msg, progress: newProgress(stderr, false, msg), self: self}
	c.tool = &goTool{path: "go", env: append(os.Environ(), "OBSERVED="+notes)}
	c.modules = smallList
	c.Jobs = max(c.Jobs, 1)
	if c.entries, err = parseEntries(proxies); err != nil {
		t.Fatal(err)
	}
	return c, notes
}

// observed returns the proxies in the order of their downloads.
func observed(t *testing.T, notes string) (proxies []string, text string) {
	t.Helper()
	b, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		proxy, _, _ := strings.Cut(line, " ")
		proxies = append(proxies, strings.TrimSuffix(strings.TrimPrefix(proxy, "https://"), ".example"))
	}
	return proxies, string(b)
}

// TestRecordTurns begins each round with another proxy.
func TestRecordTurns(t *testing.T) {
	opts := Options{Rounds: 3, Timeout: time.Minute, Labels: []string{"place=here"}, Sources: "wire"}
	c, notes := newComparison(t, opts, "a.example", "https://me:secret@b.example", "fail.example")
	list, err := c.record(t.Context(), t.TempDir())
	if err != nil || len(list) != 9 {
		t.Fatalf("%d downloads, %v", len(list), err)
	}
	proxies, text := observed(t, notes)
	if want := strings.Fields("a me:secret@b fail me:secret@b fail a fail a me:secret@b"); !slices.Equal(proxies, want) {
		t.Errorf("got %q, want %q", proxies, want)
	}
	if !strings.Contains(text, " --source wire --label place=here -- go mod download rsc.io/quote@v1.5.2 ") {
		t.Errorf("got arguments %s", text)
	}
	for _, d := range list {
		failed := c.entries[d.proxy].name == "https://fail.example"
		if d.failed != failed || d.timedOut || failed && d.said != "go: cannot read https://<redacted>@fail.example" {
			t.Errorf("%s: got %+v", c.entries[d.proxy].name, d)
		}
	}
}

// TestRecordHangs ends downloads that hang, and asks that proxy no more after two.
func TestRecordHangs(t *testing.T) {
	c, notes := newComparison(t, Options{Rounds: 4, Timeout: 2 * time.Second}, "hang.example")
	list, err := c.record(t.Context(), t.TempDir())
	if err != nil || len(list) != mostHangs || !list[0].timedOut || !list[0].failed {
		t.Errorf("got %+v, %v", list, err)
	}
	if proxies, _ := observed(t, notes); len(proxies) != mostHangs {
		t.Errorf("got downloads through %q", proxies)
	}
}

// TestRecordInterrupted leaves out the download that was interrupted, and its recording.
func TestRecordInterrupted(t *testing.T) {
	keep := t.TempDir()
	c, notes := newComparison(t, Options{For: time.Hour, Timeout: time.Hour, Keep: keep}, "a.example", "hang.example")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if b, err := os.ReadFile(notes); err == nil && strings.Contains(string(b), "hang.example ") {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	list, err := c.record(ctx, t.TempDir())
	if err != nil || len(list) != 1 || list[0].proxy != 0 {
		t.Errorf("got %+v, %v", list, err)
	}
	if files, err := filepath.Glob(filepath.Join(keep, "*")); err != nil || len(files) != 1 || filepath.Base(files[0]) != "proxy1-run1.jsonl" {
		t.Errorf("kept %q (%v)", files, err)
	}
}

// TestRecordUnobserved fails with what h2trace says.
func TestRecordUnobserved(t *testing.T) {
	c, _ := newComparison(t, Options{Rounds: 2, Timeout: time.Minute}, "broken.example")
	if _, err := c.record(t.Context(), t.TempDir()); err == nil || err.Error() != "no probes" {
		t.Errorf("got %v, want what h2trace says", err)
	}
}

// TestAtOnce runs a command several times at once, each with a cache of its own.
func TestAtOnce(t *testing.T) {
	dir := t.TempDir()
	argv, err := downloads("sh", nil, 3).argv(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := newComparison(t, Options{}, "a.example")
	// Instead of "go mod download" runs a shell that fails in one of the caches.
	argv = append(argv[:len(argv)-3], "sh", "-c", `mkdir "$GOMODCACHE" && case $GOMODCACHE in *2) exit 1 ;; esac`)
	tool := goTool{path: argv[0], env: c.tool.env}
	if _, err := tool.run(t.Context(), dir, argv[1:]...); err == nil {
		t.Error("one of the commands failed, and they did not")
	}
	if caches, err := filepath.Glob(filepath.Join(dir, "cache[123]")); err != nil || len(caches) != 3 {
		t.Errorf("got caches %q (%v)", caches, err)
	}
}
