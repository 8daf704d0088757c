// Package page writes the HTML page of a report: one file that asks for nothing else.
//
// The page is assets/page.html with the style sheets and scripts of assets in it. Its policy
// (Content-Security-Policy) allows these alone, by their hashes. What was recorded is data: JSON
// in an element that is not executed, in which "<" and line separators are escaped, and that the
// scripts show as text.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
)

//go:embed assets
var assets embed.FS

// scripts are in the order in which they are executed. They share their names.
var scripts = []string{
	"vendor/uPlot.iife.min.js", "dom.js", "format.js", "model.js", "rows.js", "scale.js", "draw.js", "overview.js", "waterfall.js",
	"details.js", "windows.js", "latency.js", "summary.js", "filter.js", "theme.js", "keyboard.js", "main.js",
}

var styles = []string{"vendor/uPlot.min.css", "page.css", "waterfall.css", "print.css"}

// The places in page.html.
const (
	policyPlace = "<!-- policy -->"
	stylePlace  = "<!-- styles -->"
	dataPlace   = "<!-- data -->"
	scriptPlace = "<!-- scripts -->"
	noticePlace = "<!-- notice -->"
)

// frame is what all pages have in common: what is before the data, and after it.
type frame struct{ before, after string }

// load returns the frame.
var load = sync.OnceValues(func() (*frame, error) {
	html, err := asset("page.html")
	if err != nil {
		return nil, err
	}
	style, styleHashes, err := elements("style", styles)
	if err != nil {
		return nil, err
	}
	script, scriptHashes, err := elements("script", scripts)
	if err != nil {
		return nil, err
	}
	licence, err := asset("vendor/LICENSE-uPlot")
	if err != nil {
		return nil, err
	}
	notice := "<!--\nThe curves are drawn by uPlot:\n\n" + licence + "-->"
	policy := fmt.Sprintf(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src %s; `+
		`style-src %s; img-src data:; base-uri 'none'; form-action 'none'">`, scriptHashes, styleHashes)
	html = strings.NewReplacer(policyPlace, policy, stylePlace, style, scriptPlace, script, noticePlace, notice).Replace(html)
	before, after, ok := strings.Cut(html, dataPlace)
	if !ok {
		return nil, fmt.Errorf("page.html has no place %s", dataPlace)
	}
	return &frame{before, after}, nil
})

func asset(name string) (string, error) {
	text, err := assets.ReadFile("assets/" + name)
	return string(text), err
}

// elements returns files as elements of a page, and their hashes for its policy.
func elements(tag string, names []string) (text, hashes string, err error) {
	var all, sums strings.Builder
	for _, name := range names {
		content, err := asset(name)
		if err != nil {
			return "", "", err
		}
		sum := sha256.Sum256([]byte(content))
		fmt.Fprintf(&sums, " 'sha256-%s'", base64.StdEncoding.EncodeToString(sum[:]))
		fmt.Fprintf(&all, "<%s>%s</%s>\n", tag, content, tag)
	}
	return strings.TrimSuffix(all.String(), "\n"), strings.TrimPrefix(sums.String(), " "), nil
}

// Write writes a page. It returns the errors of w.
func Write(w io.Writer, d *Data) error {
	f, err := load()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, f.before+`<script type="application/json" id="data">`); err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(d); err != nil { // it escapes <, >, &, U+2028 and U+2029
		return err
	}
	_, err = io.WriteString(w, "</script>"+f.after)
	return err
}
