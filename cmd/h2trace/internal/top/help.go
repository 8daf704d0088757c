package top

import (
	"fmt"
	"strings"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"
)

// keysHelp are the keys, as help prints them.
const keysHelp = `Tab, 1 2 3         processes, connections, requests
Enter, Esc         into a process or connection, and back
arrows, PgUp PgDn  select a row; also Home End, j k, g G
Left Right         sort by the column beside
F6 s               choose the column to sort by; I the other way round
P R S T            sort by REQ/s, RECV/s, SEND/s, TIME
O W F L N          sort by OPEN, R-WIN, FAIL, LOST, PID
F3 /  n            search a row; the next one
F4 \               show only rows with a text; Esc shows all
Space              pause what is shown: counting goes on
Ctrl-L             draw all again
Ctrl-C             interrupt COMMAND, or end the observation; Ctrl-Z stops both
F10 q              leave; COMMAND runs on
`

// help shows the keys, and what the columns are.
func (v *view) help() {
	var b strings.Builder
	b.WriteString("[::b]Keys[::-]  (PgDn: the columns; any other key goes back)\n\n" + tview.Escape(keysHelp) + "\n[::b]Columns[::-]\n\n")
	for _, c := range v.kind.Columns() {
		fmt.Fprintf(&b, "%-18s %s\n", c.Name, tview.Escape(c.Help))
	}
	b.WriteString(`
Faint rows have ended, and go after 10 seconds. k, M and G are powers of 1000. A window of 0 or less is yellow: one side waits for the other. Failures and losses are red.
`)
	text := tview.NewTextView().SetDynamicColors(true).SetWordWrap(true).SetText(b.String())
	text.SetTextStyle(tcell.StyleDefault).SetBackgroundColor(tcell.ColorDefault)
	v.pages.AddPage(pageHelp, text, true, true)
	v.screen.app.SetFocus(text)
}
