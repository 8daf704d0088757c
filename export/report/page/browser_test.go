package page_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tab is a page in a real browser, headless Chromium, that has been opened as a file.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu        sync.Mutex
	requests  []string // URLs
	complains []string // console, exceptions, violations of the policy
}

// patience bounds what a test waits for.
const patience = 60 * time.Second

// screen is how the browser shows a page.
type screen struct {
	width, height int64
	dark          bool
}

var desktop = screen{width: 1280, height: 900}

// Chromium runs once for all tests.
var browser = sync.OnceValues(func() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("font-render-hinting", "none"), chromedp.WSURLReadTimeout(patience))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancelBrowser := chromedp.NewContext(allocator)
	stopBrowser = func() { cancelBrowser(); cancel() }
	return ctx, chromedp.Do(ctx)
})

var stopBrowser = func() {}

// TestMain removes what the browser leaves in the temporary directory.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "h2trace-page")
	if err == nil {
		err = os.Setenv("TMPDIR", dir)
	}
	if err != nil {
		panic(err)
	}
	status := m.Run()
	stopBrowser()
	_ = os.RemoveAll(dir) // the result of the tests is worth more
	os.Exit(status)
}

// open opens a file, and waits until it has drawn.
func open(t *testing.T, file string, s screen) *tab {
	t.Helper()
	parent, err := browser()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("needs Chromium, which scripts/setup installs: " + err.Error())
	}
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	b := &tab{t: t}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	ctx, cancelTime := context.WithTimeout(ctx, patience)
	t.Cleanup(cancelTime)
	b.ctx = ctx
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	b.run(
		call(emulation.SetEmulatedMedia, preferring(scheme)),
		chromedp.EmulateViewport(s.width, s.height),
		chromedp.Navigate("file://"+file),
	)
	return b
}

// preferring is a system that prefers light or dark.
func preferring(scheme string) emulation.SetEmulatedMediaParams {
	return emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
}

// hear takes what the browser reports about the page.
func (b *tab) hear(e any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := e.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "data:,") { // the icon
			b.requests = append(b.requests, e.Request.URL)
		}
	case *runtime.EventConsoleAPICalled:
		b.complains = append(b.complains, fmt.Sprintf("console: %v", e.Type))
	case *runtime.EventExceptionThrown:
		b.complains = append(b.complains, fmt.Sprint(e.ExceptionDetails.Text, " ", e.ExceptionDetails.Exception.Description))
	case *log.EventEntryAdded:
		b.complains = append(b.complains, e.Entry.Text)
	}
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// call makes an action of a command without a result.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// eval returns the value of an expression in the page, or that its promise has.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// settle waits until what was asked for is drawn.
func (b *tab) settle() {
	b.t.Helper()
	eval[bool](b, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
}

// press presses keys as a person does: what a key types is not typed if the page takes the key.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		for _, e := range kb.Encode([]rune(key)[0]) {
			switch {
			case e.Type == kb.KeyChar:
				continue
			case e.Type != kb.KeyUp && len(key) == 1 && key >= " ":
				e.Type, e.Text = input.DispatchKeyEventTypeKeyDown, key
			}
			b.run(call(input.DispatchKeyEvent, *e))
		}
	}
	b.settle()
}
