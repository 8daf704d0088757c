package report

import (
	"bytes"
	"slices"

	"h2trace/decoder/goproxy"
	"h2trace/export/redact"
)

// The bounds on complaints.
const (
	maxSaying = 1 << 10
	maxBlock  = 16 << 10 // bytes of one
	maxRows   = 64       // lines of one
	maxBlocks = 1 << 20  // bytes of all
	maxLate   = 1 << 12  // requests that one may be about
)

// voice takes the complaints of the go command out of a log.
type voice struct {
	block   []byte // a complaint that may go on
	rows    int
	bytes   int // of all complaints
	known   map[string]bool
	said    []saying
	fetches goproxy.Fetches
	late    []logged // that are not among these yet: only a complaint needs them
}

// saying is a complaint of the go command, with the requests that it is about.
type saying struct {
	goproxy.Complaint
	of []goproxy.Fetch
}

// after takes a request that complaints may be about.
func (v *voice) after(one *logged) {
	if len(v.late) == maxLate {
		v.late = slices.Delete(v.late, 0, maxLate/2)
	}
	v.late = append(v.late, *one)
}

var (
	xGo       = []byte("go: ")
	xProgress = [][]byte{
		[]byte("go: downloading "), []byte("go: finding "), []byte("go: extracting "), []byte("go: added "), []byte("go: found "),
		[]byte("go: upgraded "), []byte("go: downgraded "), []byte("go: removed "),
	}
	// xBare are beginnings of complaints without "go: ".
	xBare = [][]byte{
		[]byte("module "), []byte("verifying "), []byte("no required module "), []byte("cannot find module "),
		[]byte("missing go.sum entry "), []byte("import lookup disabled "), []byte("ambiguous import: "), []byte("package "),
	}
	// xChain are ends of the first line of a complaint.
	xChain = [][]byte{[]byte(" imports"), []byte(" requires"), []byte(" tested by")}
)

// says takes a line that may be of a complaint of the go command, and reports whether it
// is of one, or of its progress.
func (v *voice) says(line []byte) bool {
	line = afterPrefix(line)
	if goesOn := v.block != nil && len(line) > 0 &&
		(line[0] == '\t' || line[0] == ' ' || v.block[len(v.block)-1] == ':' && v.rows == 1 && !bytes.HasPrefix(line, xGo)); goesOn {
		if v.rows < maxRows && len(v.block)+len(line) < maxBlock {
			v.block = append(append(v.block, '\n'), line...)
			v.rows++
		}
		return true
	}
	v.speak()
	if !mayComplain(line) {
		return bytes.HasPrefix(line, xGo)
	}
	v.block, v.rows = append([]byte{}, line[:min(len(line), maxBlock)]...), 1
	return true
}

func isProgress(line []byte) bool {
	for _, begin := range xProgress {
		if bytes.HasPrefix(line, begin) {
			return true
		}
	}
	return false
}

// maxPlace bounds the path of a file before a complaint, with its line and column.
const maxPlace = 256

// mayComplain reports whether a line may begin a complaint. It only rules out what is certain.
func mayComplain(line []byte) bool {
	if len(line) == 0 {
		return false
	}
	if bytes.HasPrefix(line, xGo) {
		return !isProgress(line)
	}
	for _, begin := range xBare {
		if line[0] == begin[0] && bytes.HasPrefix(line, begin) {
			return true
		}
	}
	line = line[:min(len(line), maxPlace)]
	for _, end := range xChain {
		if bytes.HasSuffix(line, end) {
			return true
		}
	}
	first, _, _ := bytes.Cut(line, []byte(" "))
	if bytes.HasSuffix(first, []byte(":")) && bytes.Contains(first, []byte("@v")) {
		return true
	}
	// The position of an import: FILE.go:LINE:COLUMN:
	at := bytes.Index(line, []byte(".go:"))
	return at > 0 && at+4 < len(line) && line[at+4] >= '0' && line[at+4] <= '9'
}

// speak ends a complaint, and finds the requests that it is about.
func (v *voice) speak() {
	if v.block == nil {
		return
	}
	block := string(v.block)
	v.block, v.rows = nil, 0
	if v.known[block] || len(v.known) == maxSaying || v.bytes+len(block) > maxBlocks {
		return
	}
	put(&v.known, block, true)
	v.bytes += len(block)
	for i := range v.late {
		one := &v.late[i]
		v.fetches.Add(&goproxy.Fetch{
			URL: redact.Parseable(one.url), Proxy: one.name, Status: int(one.status), Failed: one.class != "", Class: one.class, Request: one.Request,
		})
	}
	v.late = v.late[:0]
	for _, c := range goproxy.ParseComplaints(block, nil) {
		if c.Class == goproxy.ClassOther {
			continue // without the exit status, it may be a remark
		}
		request := c
		request.AtProxy = false // a log has the request, not the CONNECT for it
		of := v.fetches.Of(0, &request)
		c.Settle(of)
		for _, text := range []*string{&c.Path, &c.Version, &c.Package, &c.Detail, &c.URL, &c.Command} {
			*text = redact.String(*text)
		}
		v.said = append(v.said, saying{c, of})
	}
}
