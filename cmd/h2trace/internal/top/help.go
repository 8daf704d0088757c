package top

import (
	"fmt"
	"strings"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"
)

// keysHelp are the keys, as help prints them.
const keysHelp = `Tab 1 2 3      processes, connections, requests
Enter Esc      into a process or connection, and back
Up Down PgUp PgDn Home End j k g G
               select a row
Left Right     sort by the column beside
F6 s > .       choose the column to sort by
P R S T O W F N L
               sort by REQ/s, RECV/s, SEND/s, TIME, OPEN, R-WIN, FAIL, PID, LOST;
               again: the other way round, as I does
F3 / n         search a row, and the next one
F4 \           show only rows with a text
Space          pause what is shown; counting goes on
Ctrl-L         draw all again
Ctrl-C         end COMMAND or the observation, Ctrl-Z stops both
F10 q          leave; COMMAND runs on
`

// help shows the keys, and what the columns are.
func (v *view) help() {
	var b strings.Builder
	b.WriteString(tview.Escape(keysHelp) + "\n")
	for _, c := range v.kind.Columns() {
		fmt.Fprintf(&b, "%-14s %s\n", c.Name, tview.Escape(c.Help))
	}
	b.WriteString(`
Rows that are faint have ended, and go after 10 seconds. Amounts are of bytes or of
numbers, k is 1000. A window of 0 or less is yellow: one side waits for the other.`)
	text := tview.NewTextView().SetDynamicColors(true).SetWordWrap(true).SetText(b.String())
	text.SetTextStyle(tcell.StyleDefault).SetBackgroundColor(tcell.ColorDefault)
	text.SetBorder(true).SetTitle(" Keys and columns ")
	v.pages.AddPage(pageHelp, text, true, true)
	v.screen.app.SetFocus(text)
}
