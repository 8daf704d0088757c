package top

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"h2trace/export/top"
)

// drawn returns what a view shows of events on a screen of a size, and the view.
func drawn(t *testing.T, width, height int, lines ...string) (func() string, *view) {
	t.Helper()
	began := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	m := top.New(began)
	for _, l := range lines {
		m.Add([]byte(`{"v":1,"ts":"2026-11-30T09:00:00.000000000Z",` + l))
	}
	screen := tcell.NewSimulationScreen("UTF-8")
	if err := screen.Init(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(screen.Fini)
	screen.SetSize(width, height)
	s := &Screen{opts: Options{View: top.Requests, Notices: NewNotices(io.Discard)}, model: m, app: tview.NewApplication(), quit: make(chan struct{})}
	v := newView(s)
	v.take(began)
	return func() string {
		v.before(screen)
		v.pages.SetRect(0, 0, width, height)
		v.pages.Draw(screen)
		screen.Show()
		var b strings.Builder
		cells, columns, _ := screen.GetContents()
		for i, c := range cells {
			if len(c.Runes) > 0 {
				b.WriteString(string(c.Runes))
			}
			if i%columns == columns-1 {
				b.WriteByte('\n')
			}
		}
		return b.String()
	}, v
}

// TestHostileText has text that tview and terminals would act on.
func TestHostileText(t *testing.T) {
	for _, text := range []string{`[red]x[-]`, `[::r]`, `[red`, `x]["a"]`, `\u001b[2Jx`, `\u202eabc`, `\u0000\u0007`, `[]`, `a[b[]c`} {
		show, v := drawn(t, 120, 24, fmt.Sprintf(`"event":"request","pid":7,"comm":%q,"conn":"c1","stream":1,"method":"GET","url":"%s"}`, "[red]", strings.ReplaceAll(text, `"`, `\"`)))
		plain := strings.NewReplacer(`\u001b`, `\x1b`, `\u202e`, `\u202e`, `\u0000\u0007`, `\x00\a`).Replace(text)
		if got := show(); !strings.Contains(got, "GET "+plain+" ") || !strings.Contains(got, " [red] ") {
			t.Errorf("%s: got\n%s", text, got)
		}
		v.filter, v.ended, v.said = plain, plain, plain
		if got := show(); strings.Count(got, plain) < 1 {
			t.Errorf("%s: got\n%s", text, got)
		}
	}
}

// TestSizes draws on screens of each size, also on such as no terminal has.
func TestSizes(t *testing.T) {
	for width := 1; width < 130; width += 8 {
		for height := 1; height < 30; height += 4 {
			show, v := drawn(t, width, height, `"event":"request","pid":7,"comm":"go","conn":"c1","stream":1,"method":"GET","url":"https://a.example/日本語"}`)
			for range top.Views {
				show()
				v.turn(1)
			}
			v.help()
			show()
			v.close(pageHelp)
			v.chooseColumn()
			show()
		}
	}
}

// TestFollows keeps the row that the user selects, wherever it is sorted to, and else the first.
func TestFollows(t *testing.T) {
	var lines []string
	for i := range 9 {
		lines = append(lines, fmt.Sprintf(`"event":"request","pid":7,"comm":"go","conn":"c1","stream":%d,"method":"GET","url":"/%d"}`, i*2+1, i))
	}
	_, v := drawn(t, 80, 24, lines...)
	if r := v.selected(); r.Stream != 1 {
		t.Errorf("first %+v", r)
	}
	v.move(3)
	chosen := v.selected().Stream
	v.invert()
	if r := v.selected(); r.Stream != chosen {
		t.Errorf("stream %d was selected, and now %d", chosen, r.Stream)
	}
	v.move(-9)
	v.sortBy("STREAM")
	if r := v.selected(); r.Stream != 1 {
		t.Errorf("the first is %+v", r)
	}
}

// TestIntoAndBack goes from a process to a request, and back by the same way.
func TestIntoAndBack(t *testing.T) {
	show, v := drawn(t, 80, 24,
		`"event":"request","pid":7,"comm":"go","conn":"c1","stream":1,"method":"GET","url":"/one"}`,
		`"event":"request","pid":8,"comm":"gopls","conn":"c2","stream":1,"method":"GET","url":"/two"}`)
	all(top.Processes)(v)
	v.find("gopls", 0)
	for _, want := range []string{"of gopls (8) ", "of c2 "} {
		v.into()
		if got := show(); !strings.Contains(got, "   "+want) || strings.Contains(got, "c1") {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := show(); !strings.Contains(got, "/two") || strings.Contains(got, "/one") {
		t.Errorf("requests of c2:\n%s", got)
	}
	v.into()
	v.back()
	if v.kind != top.Connections || v.within.process == "" || len(v.rows) != 1 {
		t.Errorf("back: %+v, %d rows", v.within, len(v.rows))
	}
	v.back()
	v.back()
	if v.kind != top.Processes || v.within != (scope{}) || len(v.rows) != 2 {
		t.Errorf("back: %+v, %d rows", v.within, len(v.rows))
	}
}
