package page_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// painted counts the colours of a canvas, and how many of its pixels are not of the background.
const painted = `(id => {
	const c = typeof id === "string" ? document.querySelector(id) : id, d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data, seen = new Set();
	let n = 0;
	for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 0) { n++; seen.add((d[i] << 16) | (d[i + 1] << 8) | d[i + 2]); }
	return { pixels: n, colors: seen.size };
})`

type paint struct{ Pixels, Colors int }

// stallMarks counts the pixels of the last chart that have the colour of stalls.
const stallMarks = `(() => {
	const c = [...document.querySelectorAll(".uplot canvas")].at(-1), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data, stall = parseInt(color("p-stall").slice(1), 16);
	let n = 0;
	for (let i = 0; i < d.length; i += 4) if (((d[i] << 16) | (d[i + 1] << 8) | d[i + 2]) === stall) n++;
	return n;
})()`

// wantQuiet demands that the page asked for nothing but itself, and that nothing went wrong.
func (b *tab) wantQuiet() {
	b.t.Helper()
	b.settle()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.requests) != 1 || !strings.HasPrefix(b.requests[0], "file://") {
		b.t.Errorf("the page requested %q", b.requests)
	}
	if len(b.complains) > 0 {
		b.t.Errorf("the browser complains: %q", b.complains)
	}
}

// TestDraws opens the page of a recording on a desktop and on a phone, light and dark.
func TestDraws(t *testing.T) {
	name := file(t, pageOf(t, recordedDownload))
	for _, s := range []screen{desktop, {390, 844, false}, {1280, 900, true}} {
		b := open(t, name, s)
		for canvas, least := range map[string]paint{"#bars": {2000, 6}, "#overview-canvas": {1000, 6}, "#axis": {100, 3}, ".latency-row canvas": {500, 3}, ".uplot canvas": {500, 3}} {
			if got := eval[paint](b, painted+`("`+canvas+`")`); got.Pixels < least.Pixels || got.Colors < least.Colors {
				t.Errorf("%+v: %s has %+v, want at least %+v", s, canvas, got, least)
			}
		}
		if got := eval[int](b, `document.querySelectorAll(".uplot").length`); got != 2 {
			t.Errorf("%+v: %d charts of windows", s, got)
		}
		// On a phone, most marks are thinner than a pixel, and of a lighter colour.
		if got := eval[int](b, stallMarks); got < 50 {
			t.Errorf("%+v: %d pixels mark stalls over the windows of streams", s, got)
		}
		if got, want := eval[string](b, `byId("verdict").textContent`), "recv_window: limited by the window that the process grants"; !strings.HasPrefix(got, want) {
			t.Errorf("the verdict is %q, want %q …", got, want)
		}
		if got := eval[string](b, `byId("spent").textContent`); !strings.Contains(got, "receive stall 2.57 s 44 %") {
			t.Errorf("where the time went: %q", got)
		}
		if got := eval[int](b, `document.documentElement.scrollWidth`); int64(got) > s.width {
			t.Errorf("%+v: the page is %d pixels wide", s, got)
		}
		b.wantQuiet()
	}
}

// TestCriticalPath compares what the path is drawn over with the pixels there.
func TestCriticalPath(t *testing.T) {
	b := open(t, file(t, pageOf(t, recordedDownload)), desktop)
	// The zip whose receiving takes longest is on the path, and visible when it is selected.
	b.press("/")
	b.press(strings.Split("tools/@v/v0.38.0.zip conn:c3", "")...)
	b.settle()
	got := eval[[]int](b, `(() => {
		const i = waterfall.rows.findIndex(r => r.kind === rowExchange), m = state.m, x = scaleOf(state.view, waterfall.width), e = m.exchanges, at = waterfall.rows[i].at;
		const y = i * 22 - waterfall.top + barPlace().offset + barPlace().height + 2;
		const inside = x(e.begin[at] + e.total[at] / 2), outside = x(e.begin[at]) - 20, ctx = byId("bars").getContext("2d");
		const dark = px => { const d = ctx.getImageData(px, y, 1, 1).data; return d[3] > 200 && d[0] < 60 ? 1 : 0; };
		return [m.critical[at], dark(inside), dark(outside)];
	})()`)
	if len(got) != 3 || got[0] != 1 || got[1] != 1 || got[2] != 0 {
		t.Errorf("on the path, drawn there, drawn before it: %v, want [1 1 0]", got)
	}
}

// TestFilter types filters and presses chips.
func TestFilter(t *testing.T) {
	b := open(t, file(t, pageOf(t, recordedDownload)), desktop)
	all := eval[string](b, `byId("count").textContent`)
	for filter, want := range map[string]string{
		"": all, "zip": "5 of 27 exchanges", "kind:zip -tools": "3 of 27", "status:403": "1 of 27", "status:4xx": "1 of 27", "-status:200": "1 of 27",
		">1s": "2 of 27", ">=1700ms kind:zip": "2 of 27", "host:goproxy tile": "14 of 27", "conn:c3 zip": "3 of 27", "no-such-thing": "0 of 27", "error:http": "1 of 27",
	} {
		eval[bool](b, fmt.Sprintf(`(byId("search").value = %q, byId("search").dispatchEvent(new Event("input")))`, filter))
		b.settle()
		if got := eval[string](b, `byId("count").textContent`); !strings.HasPrefix(got, want) {
			t.Errorf("filter %q: %q, want %q", filter, got, want)
		}
	}
	for chip, want := range map[string]string{"Failed": "1 of 27 exchanges", "Stalled": "2 of 27 exchanges"} {
		click := `[...byId("chips").children].find(c => c.textContent === "` + chip + `").click()`
		eval[[]byte](b, `clearFilter(); `+click)
		b.settle()
		if got := eval[string](b, `byId("count").textContent`); got != want {
			t.Errorf("%s: %q, want %q", chip, got, want)
		}
	}
	b.wantQuiet()
}

// TestKeyboard does without a mouse.
func TestKeyboard(t *testing.T) {
	b := open(t, file(t, pageOf(t, recordedDownload)), desktop)
	want := func(what, expression, value string) {
		t.Helper()
		if got := eval[string](b, `String(`+expression+`)`); got != value {
			t.Errorf("%s: %s, want %s", what, got, value)
		}
	}
	const selected = `document.querySelector(".row.selected .c-name")?.textContent ?? "nothing"`
	want("at first", selected, "nothing")
	b.press("j", "j")
	want("the second row", `state.selected`, "1")
	const places = `waterfall.rows.flatMap((row, i) => state.m.piecesOf.has([ofExchange, ofConn][[rowExchange, rowConn].indexOf(row.kind)] + ":" + row.at) ? [i] : [])`
	path := eval[[]int](b, places)
	for _, row := range path[1:min(len(path), 12)] { // path[0] is selected
		b.press("c")
		want("the next on the critical path", `state.selected`, strconv.Itoa(row))
	}
	b.press(kb.Home, "j")
	rows := eval[int](b, `waterfall.rows.length`)
	b.press("k", "k", "k", "k")
	b.press(kb.ArrowLeft)
	if got := eval[int](b, `waterfall.rows.length`); got >= rows {
		t.Errorf("%d rows after a process was closed, of %d", got, rows)
	}
	b.press(kb.ArrowRight)
	want("opened again", `waterfall.rows.length`, strconv.Itoa(rows))
	b.press(kb.Enter)
	want("details", `byId("details").hidden`, "false")
	b.press("z")
	want("zoomed", `state.view.to - state.view.from < state.m.end - state.m.first`, "true")
	b.press("0")
	want("all of the time", `state.view.to - state.view.from === state.m.end - state.m.first`, "true")
	b.press("+")
	want("half of it", `Math.round(100 * (state.view.to - state.view.from) / (state.m.end - state.m.first))`, "50")
	b.press("?")
	want("the keys", `byId("keys").open`, "true")
	b.press(kb.Escape)
	want("closed", `byId("keys").open`, "false")
	b.press(kb.Escape)
	want("no details", `byId("details").hidden`, "true")
	b.press("/")
	want("the filter", `document.activeElement.id`, "search")
	b.press("z", "i", "p", kb.Enter)
	want("out of the filter", `document.activeElement.id`, "scroll")
	want("zips", `byId("count").textContent`, "5 of 27 exchanges")
	b.press(kb.Escape)
	want("no filter", `byId("search").value`, "")
	b.wantQuiet()
}

// TestReadAloud looks at what a screen reader gets of the rows.
func TestReadAloud(t *testing.T) {
	b := open(t, file(t, pageOf(t, recordedDownload)), desktop)
	b.press("j", "j", "j", "j")
	got := eval[[]string](b, `(() => {
		const grid = byId("scroll"), row = document.getElementById(grid.getAttribute("aria-activedescendant"));
		return [grid.getAttribute("role"), grid.getAttribute("aria-rowcount"), row.getAttribute("role"), row.getAttribute("aria-level"), row.getAttribute("aria-selected"),
			[...row.children].map(c => c.getAttribute("role")).join(" "), row.textContent];
	})()`)
	want := []string{"treegrid", eval[string](b, `String(waterfall.rows.length)`), "row", "3", "true", "gridcell gridcell gridcell gridcell"}
	if strings.Join(got[:6], ",") != strings.Join(want, ",") || !strings.Contains(got[6], "200") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestThemes compares the colours of the page and of its canvases, as the system has them and as
// the button does.
func TestThemes(t *testing.T) {
	b := open(t, file(t, pageOf(t, recordedDownload)), desktop)
	const ink = `(() => { drawNow(); return getComputedStyle(document.documentElement).backgroundColor + " " + color("critical"); })()`
	const light, dark = "rgb(255, 255, 255) #16202c", "rgb(20, 24, 29) #f2f5f8"
	for _, theme := range []struct {
		name                  string
		onLight, onDarkSystem string
	}{{"auto", light, dark}, {"light", light, light}, {"dark", dark, dark}, {"auto", light, dark}} {
		if got := eval[string](b, `byId("theme").textContent`); got != "Theme: "+theme.name {
			t.Errorf("the button says %s, want %s", got, theme.name)
		}
		for scheme, want := range map[string]string{"light": theme.onLight, "dark": theme.onDarkSystem} {
			b.run(call(emulation.SetEmulatedMedia, preferring(scheme)))
			b.settle()
			if got := eval[string](b, ink); got != want {
				t.Errorf("theme %s on a %s system: %s, want %s", theme.name, scheme, got, want)
			}
		}
		b.press("t")
	}
	b.wantQuiet()
}

// TestPrint prints the page: in the colours of paper, with tables, without tools.
func TestPrint(t *testing.T) {
	b := open(t, file(t, pageOf(t, recordedDownload)), screen{1280, 900, true})
	paper := preferring("dark")
	paper.Media = "print"
	b.run(call(emulation.SetEmulatedMedia, paper))
	eval[[]byte](b, `window.dispatchEvent(new Event("beforeprint"))`)
	b.settle()
	got := eval[[]string](b, `[getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.querySelector(".tools")).display,
		String([...document.querySelectorAll("details")].every(d => d.open)), String(byId("scroll").clientHeight === waterfall.rows.length * 22),
		String(`+painted+`("#bars").colors > 5)]`)
	if want := []string{"rgb(255, 255, 255)", "none", "true", "true", "true"}; strings.Join(got, ",") != strings.Join(want, ",") {
		t.Errorf("on paper: %q, want %q", got, want)
	}
	eval[[]byte](b, `window.dispatchEvent(new Event("afterprint"))`)
	if got := eval[string](b, `getComputedStyle(document.documentElement).backgroundColor`); got != "rgb(20, 24, 29)" {
		t.Errorf("after printing: %s", got)
	}
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	if err != nil || !strings.HasPrefix(string(pdf), "%PDF-") || len(pdf) < 20_000 {
		t.Errorf("a PDF of %d bytes, %v", len(pdf), err)
	}
	b.wantQuiet()
}
