package top

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rivo/uniseg"
)

// TestTable has rows of every width, with text from a peer who means no good.
func TestTable(t *testing.T) {
	hostile := safe([]byte("GET https://\x1b[31ma.example/\u202e/[red]日本語\x00/\xff\u0301/x" + strings.Repeat("é", 400)))
	row := Row{
		Key: "c1", Conn: "c1", PID: 1 << 22, Command: hostile, Peer: hostile, Proto: hostile, Note: hostile, State: hostile, Text: hostile,
		Counters: Counters{Requests: 1 << 62, Bytes: Pair{1 << 62, 1 << 62}, Stalled: 1 << 62}, Rates: Rates{Requests: 1e300, Took: 1 << 62},
		Window: Window{Send: Credit{-1 << 62, true}}, Age: 1 << 62, Stream: 1<<31 - 1,
	}
	for v := range Views {
		for width := 1; width < 300; width++ {
			l := View(v).Layout(width)
			head, cells := strings.Join(l.Head(), " "), strings.Join(l.Cells(&row), " ")
			for _, line := range []string{head, cells} {
				if n := uniseg.StringWidth(line); width >= 40 && n != width {
					t.Fatalf("%s: %d columns in %d: %q", Views[v], n, width, line)
				}
				if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
					t.Fatalf("%s: %q is not for a screen", Views[v], line)
				}
			}
		}
	}
}

// TestElide keeps what a reader needs of a URL.
func TestElide(t *testing.T) {
	const url = "GET https://goproxy.example/golang.org/x/tools/@v/v0.38.0.zip"
	for width, want := range map[int]string{
		48: "GET …/golang.org/x/tools/@v/v0.38.0.zip         ",
		30: "GET …/gol…tools/@v/v0.38.0.zip",
		12: "GET …/…0.zip",
		1:  "…",
		0:  "",
	} {
		if got := elide(url, width); uniseg.StringWidth(got) != width {
			t.Errorf("%d: %q is %d wide, want %q", width, got, uniseg.StringWidth(got), want)
		} else if got != want {
			t.Errorf("%d: got %q, want %q", width, got, want)
		}
	}
}

// TestAmounts are at most five columns wide, and six with a sign.
func TestAmounts(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", 1: "1", 999: "999", 9999: "9999", 9999.6: "10k", 99_950: "100k", 999_499: "999k", 999_500: "1.0M", 4_194_304: "4.2M", 1<<30 - 1: "1.1G",
		-65535: "-66k", 1e15: "1.0P", 1e300: "lots", 123456789: "123M",
	} {
		if got := amount(f); got != want {
			t.Errorf("%v: got %q, want %q", f, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0", -1: "-", time.Microsecond: "0.0ms", 9900 * time.Microsecond: "9.9ms", 123 * time.Millisecond: "123ms", 999600 * time.Microsecond: "1.0s",
		99900 * time.Millisecond: "99.9s", 100 * time.Second: "2m", 3 * time.Hour: "3h", 2000 * time.Hour: "83d", 1 << 62: "53376d",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

// TestWriteText prints a table that scripts read: no escapes, a row a line.
func TestWriteText(t *testing.T) {
	s := state(Connections,
		line(0, "conn", open),
		framed(0, "c1", "recv", 1, 991, `"conn_recv":-5,"conn_send":70000`),
		ended(time.Second, "c1", 1, ""),
	)
	var b strings.Builder
	if err := s.WriteText(&b, Order{}); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?s)^Processes  1 running of 1 .*\n\nCONN +PID COMMAND .* PEER\nc1 +7 go +h2 +0    0\.5   20ms    500      0     1    0  1000     0   70k    -5      0    0 a\.example\n$`)
	if !want.MatchString(b.String()) {
		t.Errorf("got\n%s", b.String())
	}
	b.Reset()
	if err := state(Requests, ended(0, "c1", 5, `,"grpc_status":14`)).WriteText(&b, Order{}); err != nil {
		t.Fatal(err)
	}
	if want := regexp.MustCompile(`(?m)^c1 +5 +7 go +20ms grpc_14 .* GET https://a\.example/5$`); !want.MatchString(b.String()) {
		t.Errorf("got\n%s", b.String())
	}
}

// TestOrder sorts by each column, both ways.
func TestOrder(t *testing.T) {
	rows := []Row{{Key: "c10", PID: 1}, {Key: "c9", PID: 3}, {Key: "c2", PID: 2, Ended: began}, {Key: "c3", PID: 9, Blind: true}}
	keys := func() string {
		var list []string
		for _, r := range rows {
			list = append(list, r.Key)
		}
		return strings.Join(list, " ")
	}
	for order, want := range map[Order]string{
		{}:                             "c9 c10 c3 c2",
		{Column: "PID"}:                "c10 c9 c3 c2",
		{Column: "PID", Inverse: true}: "c9 c10 c3 c2",
		{Column: "none such"}:          "c9 c10 c3 c2",
	} {
		if order.Sort(Processes, rows); keys() != want {
			t.Errorf("%+v: got %s, want %s", order, keys(), want)
		}
	}
	for v := range Views {
		for _, c := range View(v).Columns() {
			if name, err := View(v).ParseColumn(strings.ToLower(c.Name)); err != nil || name != c.Name {
				t.Errorf("%s: %v", c.Name, err)
			}
			Order{Column: c.Name}.Sort(View(v), rows)
		}
	}
}
