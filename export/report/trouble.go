package report

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"h2trace/decoder/goproxy"
)

// trouble is a failure, as far as advice depends on it.
type trouble struct {
	pid    int64
	class  string
	detail string // what was said of it
	url    string
	host   string // of the URL, or of what a version control system fetches from
	status int64  // 0: no response
	// authorized is "false" or "true", or empty where that is not known.
	authorized string
	after      string // Retry-After
	proxy      string // the module proxy, empty where it is none
	page       bool   // one that names the repository of a module
	sumdb      bool
	via        string // HTTP proxy at which it failed
	path       string // of the module
	version    string
	requests   int      // that a complaint speaks of
	program    string   // of a version control system
	asked      []string // proxies of these
	known      bool     // something of the module was found
	public     bool     // a proxy was asked for it, and does not have it
	barred     string   // what a "," in GOPROXY kept from being asked after proxy
	measured   bool     // report --suggest names another proxy
}

// ofExchange returns what an exchange came to that failed.
func ofExchange(x *exchangeEvent) *trouble {
	t := &trouble{
		pid: x.pid, class: x.className(), detail: text(x.detail), url: text(x.url), status: x.status, after: text(x.retryAfter),
		authorized: yesOrNo(x.authorized), path: text(x.path), version: text(x.version),
		barred: text(x.barred),
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

// locate tells by the URL who was asked.
func (t *trouble) locate() {
	u, err := url.Parse(strings.ReplaceAll(t.url, "<redacted>", "redacted"))
	if err != nil {
		return
	}
	t.host, t.page = u.Host, goproxy.IsPage(t.url)
	if r, ok := goproxy.Parse(t.url); ok {
		t.sumdb = r.Kind.OfSumDB()
	}
}

// spoken is an exchange that a complaint speaks of.
type spoken struct {
	Conn   string
	Stream json.Number
	URL    string
	Proxy  string
}

func (s *spoken) key() string { return s.Conn + " " + s.Stream.String() + " " + s.URL }

// ofComplaint returns what a go command says, with what is known of the exchanges
// that it speaks of.
func ofComplaint(x *complaintEvent, answers map[string]*trouble) (t *trouble, of []spoken) {
	t = &trouble{
		pid: x.pid, class: x.className(), detail: text(x.detail), via: text(x.via),
		path: text(x.path), version: text(x.version),
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
		if _, ok := goproxy.Parse(t.url); ok {
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
	// repositoryIn finds what it fetches from, also in what it says itself.
	repositoryIn = regexp.MustCompile(`(?:https?|ssh|git|git\+ssh|file)://[^\s'"]+|\b[\w.-]+@[\w.-]+:[^\s'"]+`)
)

// versionControl says which program failed, and at what.
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

// cause tells one cause from another: what a go command says again of each module
// that it wanted of a server that it does not reach, or of each package of a module
// that it does not get, has one.
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

// plainAnswer is how net/http says that there is no TLS.
const plainAnswer = "gave HTTP response to HTTPS client"

// body is the beginning of what came with a status, as the go command prints it.
func (t *trouble) body() string {
	_, said, _ := strings.Cut(t.detail, "\n\tserver response:")
	said = strings.Join(strings.Fields(said), " ")
	if len(said) > maxBody {
		said = strings.ToValidUTF8(said[:maxBody], "") + "…"
	}
	return said
}

// maxBody bounds what is said of a body, in bytes.
const maxBody = 160

// line is what was said of it, in one line.
func (t *trouble) line() string {
	return strings.Join(strings.Fields(t.detail), " ")
}
