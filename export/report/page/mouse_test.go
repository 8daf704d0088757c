package page_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// box is where an element is in the window.
type box struct{ X, Y, Width, Height float64 }

// show scrolls to an element.
func (b *tab) show(selector string) box {
	b.t.Helper()
	return eval[box](b, `(e => { e.scrollIntoView({ block: "center" }); return e.getBoundingClientRect().toJSON(); })(document.querySelector("`+selector+`"))`)
}

func (b *tab) click(selector string, opts ...chromedp.MouseOption) {
	b.t.Helper()
	at := b.show(selector)
	b.run(chromedp.MouseClickXY(at.X+at.Width/2, at.Y+at.Height/2, opts...))
	b.settle()
}

// TestMouse closes rows, looks at details, and drags over the time.
func TestMouse(t *testing.T) {
	b := open(t, file(t, pageOf(t, recordedDownload)), desktop)
	rows := eval[int](b, `waterfall.rows.length`)
	b.click(".row.k0 .fold")
	if got := eval[int](b, `waterfall.rows.length`); got >= rows {
		t.Errorf("%d rows after a process was closed, of %d", got, rows)
	}
	b.click(".row.k0 .fold")
	if got := eval[int](b, `waterfall.rows.length`); got != rows {
		t.Errorf("%d rows after it was opened again, want %d", got, rows)
	}
	b.click(".row.k2 .head")
	if got := eval[string](b, `byId("details").textContent`); !strings.Contains(got, "https://goproxy.example/github.com/spf13/pflag/@v/v1.0.6.mod") {
		t.Errorf("the details are %q", got)
	}
	const shown = `(state.view.to - state.view.from) / (state.m.end - state.m.first)`
	over := b.show("#overview")
	y := over.Y + over.Height/2
	b.run(chromedp.DragAndDropXY(over.X+over.Width/4, y, over.X+over.Width/2, y))
	b.settle()
	if got := eval[float64](b, shown); got < 0.24 || got > 0.26 {
		t.Errorf("a drag over a quarter shows %.2f of the time", got)
	}
	b.click("#overview", chromedp.ClickCount(2))
	if got := eval[float64](b, shown); got != 1 {
		t.Errorf("a double click shows %.2f of the time", got)
	}
	b.wantQuiet()
}

// TestOrder sorts the requests.
func TestOrder(t *testing.T) {
	b := open(t, file(t, pageOf(t, recordedDownload)), desktop)
	for order, first := range map[string]string{
		"begin": "/github.com/spf13/pflag/@v/v1.0.6.mod 39 B", "total": "/golang.org/x/tools/@v/v0.38.0.zip 3.02 s", "bytes": "/golang.org/x/tools/@v/v0.38.0.zip 2.82 MB",
	} {
		eval[bool](b, `(byId("order").value = "`+order+`", byId("order").dispatchEvent(new Event("change")))`)
		b.settle()
		got := eval[string](b, `[...document.querySelector(".row").children].map(c => c.textContent).join(" ")`)
		name, value, _ := strings.Cut(first, " ")
		if !strings.HasPrefix(got, name) || !strings.Contains(got, value) {
			t.Errorf("order %s begins with %q, want %q", order, got, first)
		}
	}
	b.wantQuiet()
}
