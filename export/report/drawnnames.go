package report

import (
	"bytes"

	"h2trace/export/scan"
)

// drawnNames holds texts that many exchanges have. An exchange has their places.
type drawnNames struct {
	list []string
	at   map[string]int
}

// maxDrawnNames bounds them. Each text beyond it is drawn as "…".
const maxDrawnNames = 1 << 12

func newDrawnNames() drawnNames {
	return drawnNames{[]string{"", "…"}, map[string]int{"": 0}}
}

// of returns the place of the text of a JSON string.
func (n *drawnNames) of(v []byte) int { return n.place(scan.Bytes(v)) }

// place returns the place of a text.
func (n *drawnNames) place(text []byte) int {
	key := text[:min(len(text), maxDrawnText+1)]
	if i, ok := n.at[string(key)]; ok {
		return i
	}
	if len(n.list) == maxDrawnNames {
		return 1
	}
	n.at[string(key)] = len(n.list)
	n.list = append(n.list, short(string(text)))
	return len(n.list) - 1
}

// cut returns the place of the origin of a URL, and its path.
func (n *drawnNames) cut(url []byte) (origin int, path string) {
	at := bytes.Index(url, []byte("://"))
	if at < 0 {
		return 0, short(string(url))
	}
	end := bytes.IndexAny(url[at+3:], "/?#")
	if end < 0 {
		end = len(url) - at - 3
	}
	if origin = n.place(url[:at+3+end]); origin == 1 {
		return 0, short(string(url))
	}
	return origin, short(string(url[at+3+end:]))
}
