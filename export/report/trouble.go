package report

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"h2trace/decoder/goproxy"
	"h2trace/export/redact"
	"h2trace/export/scan"
)

// trouble holds the facts about a failure on which advice depends.
type trouble struct {
	pid    int64
	class  string
	detail string // text about it
	url    string
	host   string // of the URL, or of the repository
	status int64  // 0: no response
	// authorized is "false", "true", or empty if unknown.
	authorized string
	after      string // Retry-After
	proxy      string // the module proxy, empty without one
	page       bool   // the URL names the repository of a module
	sumdb      bool
	via        string // the HTTP proxy that failed
	path       string // of the module
	version    string
	requests   int      // number in the complaint
	program    string   // the version control system
	asked      []string // proxies of these
	known      bool     // a part of the module was found
	public     bool     // a proxy was asked, and does not have it
	barred     string   // the entry after proxy that a "," excludes
	measured   bool     // report --suggest names another proxy
}

// ofExchange returns the facts about a failed exchange.
func ofExchange(x *exchangeEvent) *trouble {
	t := &trouble{
		pid: x.pid, class: x.className(), detail: scan.Text(x.detail), url: scan.Text(x.url), status: x.status, after: scan.Text(x.retryAfter),
		authorized: yesOrNo(x.authorized), path: scan.Text(x.path), version: scan.Text(x.version),
		barred: scan.Text(x.barred),
	}
	if t.url != "" {
		t.detail = t.url + ": " + t.detail
	}
	t.locate()
	if x.kind != nil && !t.sumdb {
		t.proxy = proxyName(x)
	}
	return t
}

func yesOrNo(v []byte) string {
	if s := string(v); s == "true" || s == "false" {
		return s
	}
	return ""
}

// locate sets the asked party by the URL.
func (t *trouble) locate() {
	u, ok := parseURL(t.url)
	if !ok {
		return
	}
	t.host, t.page = u.Host, goproxy.IsPage(redact.Parseable(t.url))
	if r, ok := goproxy.Parse(redact.Parseable(t.url)); ok {
		t.sumdb = r.Kind.OfSumDB()
	}
}

// spoken is an exchange that a complaint is about.
type spoken struct {
	Conn   string
	Stream json.Number
	URL    string
	Proxy  string
}

func (s *spoken) key() string { return s.Conn + " " + s.Stream.String() + " " + s.URL }

// ofComplaint returns the facts in a complaint, and those about its exchanges.
func ofComplaint(x *complaintEvent, answers map[string]*trouble) (t *trouble, of []spoken) {
	t = &trouble{
		pid: x.pid, class: x.className(), detail: scan.Text(x.detail), via: scan.Text(x.via),
		path: scan.Text(x.path), version: scan.Text(x.version),
	}
	if x.requests != nil && json.Unmarshal(x.requests, &of) != nil {
		of = nil
	}
	first, _, _ := strings.Cut(t.detail, "\n")
	t.url = urlIn.FindString(first)
	t.requests = len(of)
	for i := range of {
		if t.url = of[i].URL; of[i].Proxy != "" {
			t.asked = append(t.asked, of[i].Proxy)
		}
		if a := answers[of[i].key()]; a != nil {
			t.status, t.authorized, t.after, t.barred = a.status, a.authorized, a.after, a.barred
		}
	}
	t.locate()
	if t.status == 0 {
		if m := statusIn.FindStringSubmatch(first); m != nil {
			t.status, _ = strconv.ParseInt(m[1], 10, 64)
		}
	}
	switch {
	case len(t.asked) > 0:
		t.proxy = t.asked[len(t.asked)-1]
	case t.url != "" && !t.page && !t.sumdb:
		if _, ok := goproxy.Parse(redact.Parseable(t.url)); ok {
			t.proxy = proxyOf(t.url)
		}
	}
	if t.sumdb {
		t.proxy = ""
	}
	if t.class == "vcs" {
		t.versionControl(x)
	}
	return t, of
}

var (
	// urlIn finds the URL in an error of net/http.
	urlIn    = regexp.MustCompile(`https?://[^"\s]+`)
	statusIn = regexp.MustCompile(`: ([45]\d\d)(?: |$)`)
	// ranIn finds the program in a complaint of a version control system.
	ranIn = regexp.MustCompile(`(?:^|: )(git|hg|svn|bzr|fossil) `)
	// repositoryIn finds the repository in it, also in the output of the program.
	repositoryIn = regexp.MustCompile(`(?:https?|ssh|git|git\+ssh|file)://[^\s'"]+|\b[\w.-]+@[\w.-]+:[^\s'"]+`)
)

// versionControl sets the program that failed, and its repository.
func (t *trouble) versionControl(x *complaintEvent) {
	if m := ranIn.FindStringSubmatch(t.detail); m != nil {
		t.program = m[1]
	}
	t.host = ""
	var ran []struct{ Args []string }
	if x.processes != nil && json.Unmarshal(x.processes, &ran) == nil && len(ran) > 0 {
		t.host = repositoryIn.FindString(strings.Join(ran[0].Args, " "))
		if t.program == "" && len(ran[0].Args) > 0 {
			t.program = ran[0].Args[0]
		}
	}
	if t.host == "" {
		t.host = repositoryIn.FindString(t.detail)
	}
	if t.host == "" {
		t.host = t.path
	}
	t.host = strings.TrimRight(t.host, "/:.,")
}

// cause identifies the cause of a complaint. A go command repeats a complaint for each module
// of an unreachable server, and for each package of a missing module: these have one
// cause.
func (t *trouble) cause() string {
	key := t.class + " " + t.via + " "
	switch t.class {
	case "dns", "connect", "tls":
		_, why, _ := cutLast(t.detail, `": `)
		return key + t.host + " " + why
	case "protocol":
		if strings.Contains(t.detail, plainAnswer) {
			return key + t.host
		}
	}
	return key + t.detail
}

// plainAnswer is the error of net/http for a server without TLS.
const plainAnswer = "gave HTTP response to HTTPS client"

// body returns the beginning of the response body, as the go command prints it.
func (t *trouble) body() string {
	_, said, _ := strings.Cut(t.detail, "\n\tserver response:")
	said = strings.Join(strings.Fields(said), " ")
	if len(said) > maxBody {
		said = strings.ToValidUTF8(said[:maxBody], "") + "…"
	}
	return said
}

// maxBody bounds the printed body, in bytes.
const maxBody = 160

// line returns the text about the failure, in one line.
func (t *trouble) line() string {
	return strings.Join(strings.Fields(t.detail), " ")
}
