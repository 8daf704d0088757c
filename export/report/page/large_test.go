package page_test

import (
	"testing"
	"time"
)

// TestLarge has 10,000 exchanges: the size of the page, how soon it is there, and how long a frame
// takes while it is scrolled, filtered and zoomed. Times are the best of some, as tests share
// their machine.
func TestLarge(t *testing.T) {
	page := pageOfText(t, largeDownload(10_000))
	if len(page) > 3_000_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
	name := file(t, page)
	paint := time.Hour
	var b *tab
	for range 3 {
		b = open(t, name, desktop)
		b.settle()
		ms := eval[float64](b, `performance.getEntriesByName("first-contentful-paint")[0].startTime`)
		if paint = min(paint, time.Duration(ms*1e6)); paint < time.Second/2 {
			break
		}
	}
	if paint > time.Second {
		t.Errorf("it is painted after %v", paint)
	}
	if got := eval[string](b, `byId("count").textContent`); got != "10,000 exchanges" {
		t.Errorf("it shows %s", got)
	}
	best := func(what, action string, limit float64) {
		t.Helper()
		ms := eval[float64](b, `(() => {
			let best = Infinity;
			for (let i = 0; i < 12; i++) {
				const begin = performance.now();
				`+action+`;
				drawNow();
				best = Math.min(best, performance.now() - begin);
			}
			return best;
		})()`)
		t.Logf("%s: %.1f ms", what, ms)
		if ms > limit {
			t.Errorf("%s takes %.1f ms, want %.0f at most", what, ms, limit)
		}
	}
	best("scrolling", `byId("scroll").scrollTop = 1000 * i * 5`, 33)
	best("zooming", `setView(zoomView(state.m, state.view, i % 2 ? 0.5 : 2, 1e6 * i))`, 33)
	best("selecting", `select(i * 700, true)`, 33)
	best("filtering", `byId("search").value = "module" + i; setFilter()`, 200)
	t.Logf("%d bytes, painted after %v", len(page), paint)
	b.wantQuiet()
}

// BenchmarkPage writes the page of 10,000 exchanges.
func BenchmarkPage(b *testing.B) {
	text := largeDownload(10_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		pageOfText(b, text)
	}
}
