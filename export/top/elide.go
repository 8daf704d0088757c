package top

import (
	"strings"

	"github.com/rivo/uniseg"
)

// ellipsis stands for what is cut.
const ellipsis = "…"

// elide makes text shorter, so that it takes as many columns: of a URL, scheme and host go
// first, and then the middle of what is left.
func elide(s string, width int) string {
	if width < 1 {
		return ""
	}
	if method, url, ok := strings.Cut(s, "://"); ok {
		before, _, isRequest := strings.Cut(method, " ")
		if i := strings.IndexByte(url, '/'); i >= 0 {
			s = ellipsis + url[i:]
			if isRequest {
				s = before + " " + s
			}
		}
	}
	if n := width - uniseg.StringWidth(s); n >= 0 {
		return s + strings.Repeat(" ", n)
	}
	const methodAndMore = 8
	head := Cut(s, max((width-1)/3, min(methodAndMore, width/2)))
	tail := last(s, width-1-uniseg.StringWidth(head))
	out := head + ellipsis + tail
	return out + strings.Repeat(" ", max(0, width-uniseg.StringWidth(out)))
}

// Cut returns the start of a text, of so many columns at most.
func Cut(s string, width int) string {
	end := 0
	for g := uniseg.NewGraphemes(s); g.Next(); {
		if width -= g.Width(); width < 0 {
			break
		}
		_, end = g.Positions()
	}
	return s[:end]
}

// last returns the end of a text, of so many columns at most.
func last(s string, width int) string {
	skip := uniseg.StringWidth(s) - width
	for g := uniseg.NewGraphemes(s); skip > 0 && g.Next(); {
		skip -= g.Width()
		if _, end := g.Positions(); skip <= 0 {
			return s[end:]
		}
	}
	return s
}
