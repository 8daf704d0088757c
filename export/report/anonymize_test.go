package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	hostIn = regexp.MustCompile(`[a-z0-9-]+(\.[a-z0-9-]+)*\.example\b`)
	ipIn   = regexp.MustCompile(`\b\d+\.\d+\.\d+\.\d+\b`)
	// hiddenHost is a replacement.
	hiddenHost = regexp.MustCompile(`^host\d+\.example$`)
	// replacements have the addresses that replace others.
	replacements = []netip.Prefix{netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("10.255.0.0/16"), netip.MustParsePrefix("169.254.0.0/16")}
)

// wantSameAnonymous demands that an anonymous report has the same verdict and numbers, and
// no host or address of the recording.
func wantSameAnonymous(t *testing.T, text string, b *Builder) {
	t.Helper()
	hidden := NewBuilder()
	hidden.Anonymize()
	hidden.HTML()
	if err := hidden.Read(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	want, got := b.Report(), hidden.Report()
	if want.Verdict.Cause != got.Verdict.Cause || len(want.Verdict.Evidence) != len(got.Verdict.Evidence) || fmt.Sprint(want.Time) != fmt.Sprint(got.Time) || // NaN is unknown
		want.Runs != got.Runs ||
		len(want.Proxies) != len(got.Proxies) || len(want.Modules) != len(got.Modules) || len(want.Fallbacks) != len(got.Fallbacks) ||
		len(want.Direct) != len(got.Direct) || want.SkippedLines != got.SkippedLines {
		t.Errorf("an anonymous report differs\n%+v\n%+v", want, got)
	}
	var out bytes.Buffer
	if err := errors.Join(got.WriteText(&out), json.NewEncoder(&out).Encode(got), json.NewEncoder(&out).Encode(hidden.page(got))); err != nil {
		t.Fatal(err)
	}
	hosts := slices.DeleteFunc(hostIn.FindAllString(out.String(), -1), hiddenHost.MatchString)
	addresses := slices.DeleteFunc(ipIn.FindAllString(out.String(), -1), func(s string) bool {
		ip, err := netip.ParseAddr(s)
		return err != nil || ip.IsLoopback() || slices.ContainsFunc(replacements, func(p netip.Prefix) bool { return p.Contains(ip) })
	})
	if found := slices.Concat(hosts, addresses); len(found) > 0 {
		t.Errorf("an anonymous report has %q\n%s", found, &out)
	}
}

// secretNames are in the events of secretRun, and must not be in a report of it.
var secretNames = []string{
	"falcon", "corp", "buildhost", "alice", "acme", "beech", "larch", "10.20.30.40", "10.20.30.41", "db9:7", "0123456789ab", "20240501123456", "eu-west-9", "gitlab",
	"tokenless", "oakbranch", "rootca", "custom-tool", "maple", "s3cr3t",
}

// secretRun has a name in each key that a report may print.
func secretRun() string {
	var w writer
	w.line(0, "process", `"pid":7,"comm":"go","action":"exec","ppid":1,"exe":"/home/alice/sdk/bin/go"`)
	w.line(0, "process", `"pid":7,"comm":"go","action":"attached","ppid":1,"exe":"/home/alice/sdk/bin/go"`)
	w.tool(1, 80, 11, "/home/alice/bin/custom-tool", "", 1)
	w.tool(1, 80, 12, "/usr/bin/git", `,"args":["git","fetch","-f","https://gitlab.corp.example/acme/falcon.git","refs/heads/oakbranch:refs/remotes/origin/oakbranch"]`, 128)
	w.line(2, "process", `"pid":13,"comm":"custom-tool","action":"skipped","ppid":7,"exe":"/home/alice/bin/custom-tool","reason":"not a Go binary"`)
	w.line(3, "conn", `"pid":7,"comm":"go","conn":"c1","action":"open","local":"10.20.30.41:5000","remote":"10.20.30.40:443","role":"client","joined":"start",`+
		`"tls":{"version":"TLS 1.3","sni":"goproxy.corp.example","issuer":"CN=Acme RootCA,O=Acme"},"tls_ms":2.000,"name":"goproxy.corp.example"`)
	const proxy = "https://<redacted>@goproxy.corp.example:8443/falcon"
	ask := func(begin float64, path, kind, module, version string, status int, class, more string) {
		more += `,"server_timing":{"falcon-db":15.000,"cache":1.000}`
		w.exchange(exchange{begin: begin, url: proxy + path, kind: kind, module: module, version: version, proxy: proxy, next: "https://buildhost:3000/larch", wait: 20, status: status, class: class, more: more})
	}
	ask(10, "/corp.example/!acme/falcon/v2/@v/v2.0.0-20240501123456-0123456789ab.zip", "zip", "corp.example/Acme/falcon/v2", "v2.0.0-20240501123456-0123456789ab", 200, "", "")
	ask(40, "/corp.example/!acme/falcon/@v/list", "list", "corp.example/Acme/falcon", "", 404, "http_4xx", "")
	ask(70, "/sumdb/sum.corp.example/lookup/corp.example/!acme/falcon@v1.2.3-maple.1", "sumdb-lookup", "corp.example/Acme/falcon", "v1.2.3-maple.1", 500, "http_5xx", "")
	w.exchange(exchange{begin: 100, url: "https://[2001:db9:7::1]/beech?q=s3cr3t", via: "http://buildhost:3128", wait: 200, status: noStatus, class: "timeout"})
	w.unreached(400, "10.20.30.40:3000", "connect", "https://buildhost:3000/larch", "none", "direct")
	w.failed(410, "gitlab.corp.example", "[2001:db9:7::1]:443", "dns", "lookup gitlab.corp.example on 10.20.30.41:53: no such host")
	complain := func(class, detail string) {
		w.line(500, "process", `"pid":7,"comm":"go","action":"error","module":{"path":"corp.example/Acme/falcon","version":"v1.2.3-maple.1"},"error":{"class":%q,"detail":%q},"requests":[]`, class, detail)
	}
	complain("http_5xx", "go: corp.example/Acme/falcon@v1.2.3-maple.1: reading https://goproxy.corp.example:8443/falcon/corp.example/!acme/falcon/@v/v1.2.3-maple.1.info: 500 Internal Server Error\n\tserver response: ask Alice about Falcon")
	complain("vcs", "go: corp.example/Acme/falcon: git ls-remote -q https://gitlab.corp.example/acme/falcon.git in /home/alice/go/pkg/mod/cache/vcs/0123456789ab: exit status 128:\n\tremote: project Beech is tokenless\n\tfatal: could not read Username for 'https://gitlab.corp.example': terminal prompts disabled")
	complain("connect", `go: corp.example/Acme/falcon: Get "https://buildhost:3000/larch/corp.example/%21acme/falcon/@v/list": dial tcp 10.20.30.40:3000: connect: connection refused`)
	complain("checksum", "go: verifying corp.example/Acme/falcon@v1.2.3-maple.1: checksum mismatch\n\tdownloaded: h1:corp/falcon+acme=\n\tgo.sum:     h1:beech/larch=")
	w.line(800, "conn", `"pid":7,"comm":"go","action":"dns","remote":"10.20.30.41:53","dns_ms":3.000,"name":"goproxy.corp.example","type":"A","rcode":"NOERROR","answers":["10.20.30.40"]`)
	w.line(801, "conn", `"pid":7,"comm":"go","action":"dns","remote":"10.20.30.42:53","dns_ms":3.000,"name":"goproxy.corp.example","type":"A","rcode":"NXDOMAIN","answers":[]`)
	w.line(900, "conn", `"pid":7,"comm":"go","conn":"c1","action":"close","remote":"10.20.30.40:443","protocol":"h2","tls":{"version":"TLS 1.3","issuer":"CN=Acme RootCA,O=Acme","issuer_public":false},`+
		`"rtt_ms":5.000,"retransmits":0,"frames":9`)
	w.line(1000, "process", `"pid":7,"comm":"go","action":"exit","ppid":1,"exe":null,"exit_code":1`)
	w.line(1001, "summary", `"duration_ms":1001.000,"records":{"seen":1,"delivered":1,"lost":0},"command":7,"labels":{"region":"eu-west-9"}`)
	return w.String()
}

// TestAnonymize looks for each name in each form that a report can have.
func TestAnonymize(t *testing.T) {
	events := secretRun()
	for _, name := range secretNames {
		if !strings.Contains(strings.ToLower(events), name) {
			t.Fatalf("%s is not in the events", name)
		}
	}
	forms := map[string]func(out *bytes.Buffer) error{}
	builder := func(prepare func(*Builder)) *Builder {
		b := NewBuilder()
		b.Anonymize()
		prepare(b)
		if err := b.Read(strings.NewReader(events)); err != nil {
			t.Fatal(err)
		}
		return b
	}
	plain := builder(func(*Builder) {})
	r := plain.Report()
	forms["text"] = func(out *bytes.Buffer) error { return r.WriteText(out) }
	forms["markdown"] = func(out *bytes.Buffer) error { return r.WriteMarkdown(out) }
	forms["json"] = func(out *bytes.Buffer) error { return json.NewEncoder(out).Encode(r) }
	drawn := builder((*Builder).HTML)
	forms["page"] = func(out *bytes.Buffer) error {
		return json.NewEncoder(out).Encode(drawn.page(drawn.Report()))
	}
	forms["glance"] = func(out *bytes.Buffer) error {
		_, err := out.WriteString(strings.Join(r.Glance(), "\n"))
		return err
	}
	for _, by := range append(Groupings, "region") {
		g, err := builder(func(b *Builder) { b.GroupBy(by) }).Groups()
		if err != nil {
			t.Fatal(err)
		}
		forms["by "+by] = func(out *bytes.Buffer) error { return errors.Join(g.WriteText(out), g.WriteJSON(out)) }
	}
	forms["bench"] = func(out *bytes.Buffer) error {
		builder(func(b *Builder) { b.Bench(out) })
		return nil
	}
	metrics := builder((*Builder).Prometheus)
	forms["prometheus"] = func(out *bytes.Buffer) error { return metrics.WritePrometheus(out) }
	sides := [2]*Side{NewSide(), NewSide()}
	sides[0].Builder().Anonymize()
	sides[1].Builder().AnonymizeLike(sides[0].Builder())
	for _, s := range sides {
		if err := s.Read(strings.NewReader(events)); err != nil {
			t.Fatal(err)
		}
	}
	c := Compare(sides[0], sides[1])
	for _, p := range c.Proxies {
		if p.Before == nil || p.After == nil {
			t.Errorf("%s has another name on the other side", p.Name)
		}
	}
	forms["diff"] = func(out *bytes.Buffer) error {
		return errors.Join(c.WriteText(out), c.WriteMarkdown(out), c.WriteJSON(out))
	}
	for form, write := range forms {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		if out.Len() == 0 {
			t.Errorf("%s is empty", form)
		}
		for _, name := range secretNames {
			if strings.Contains(strings.ToLower(out.String()), name) {
				t.Errorf("%s has %s\n%s", form, name, &out)
			}
		}
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, kept := range []string{"connection refused", "500 Internal Server Error", "checksum mismatch", "http_5xx", "v2.0.0-0001", "git fetch -f https://host", "is opened by CN=name", "resolvers differ on host"} {
		if !strings.Contains(text.String(), kept) {
			t.Errorf("no %q in\n%s", kept, &text)
		}
	}
	same, err := NewBuilder(), error(nil)
	if err = same.Read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	wantSameAnonymous(t, events, same)
}

func TestNames(t *testing.T) {
	tests := []struct{ in, want string }{
		{`Get "https://goproxy.corp.example/x.corp.example/!beech/@v/list": 404 Not Found`, `Get "https://host1.example/host2.example/name3/@v/list": 404 Not Found`},
		{"x.corp.example/Beech@v1.2.3: unknown revision v1.2.3", "host2.example/name3@v1.2.3: unknown revision v1.2.3"},
		{"dial tcp 192.0.2.7:443: i/o timeout", "dial tcp 198.18.0.1:443: i/o timeout"},
		{"dial tcp [2001:db9::7]:443: connect: no route to host", "dial tcp [2001:db8::2]:443: connect: no route to host"},
		{"read udp 192.0.2.9:1->192.0.2.7:53: i/o timeout", "read udp 198.18.0.3:1->198.18.0.1:53: i/o timeout"},
		{"dial tcp 127.0.0.1:80, [::1]:80", "dial tcp 127.0.0.1:80, [::1]:80"},
		{"net/http: TLS handshake timeout", "net/http: TLS handshake timeout"},
		{"x509: certificate is valid for goproxy.corp.example, not localhost", "x509: certificate is valid for host1.example, not localhost"},
		{"about Beech, and goproxy, and lib", "about name3, and name1, and lib"},
		{"exit status 128 in 1m30s", "exit status 128 in 1m30s"},
		{"https://host/sumdb/sum.corp.example/tile/8/1/x001/234.p/5", "https://host3.example/sumdb/host4.example/tile/8/1/x001/234.p/5"},
		{"v0.0.0-20240102030405-abcdefabcdef v1.0.0-rc.1 v2.0.0+incompatible", "v0.0.0-00010101000000-000000000001 v1.0.0-rc.1 v2.0.0+incompatible"},
		{"Zürich/wald é", "name4/name5 name6"},
		{"", ""},
	}
	n := newNames()
	for _, tt := range tests {
		if got := n.text(tt.in); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.in, got, tt.want)
		}
	}
}

// FuzzNames demands that no text makes it fail, and that a host never stays.
func FuzzNames(f *testing.F) {
	f.Add("corp.example", `Get "https://corp.example/": no`)
	f.Add("acme-4", "acme-4@corp: [x %zz https:// [::1")
	f.Fuzz(func(t *testing.T, name, text string) {
		n := newNames()
		_ = n.text(text)
		_ = n.strict(text)
		_ = n.object([]byte(text))
		host := "h" + strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, name) + "x.test"
		for _, s := range []string{"https://" + host + "/x", host + ":443", "lookup " + host + ": no", text + " \"" + host + "\""} {
			if got := n.text(s); strings.Contains(got, host) {
				t.Errorf("%q has %s", got, host)
			}
		}
	})
}

// TestAnonymizeDeep has values in each other that no event has.
func TestAnonymizeDeep(t *testing.T) {
	const n = 10_000
	for _, pair := range [...][2]string{{"[", "]"}, {`{"x":`, "}"}} {
		line := `{"v":1,"x":` + strings.Repeat(pair[0], n) + "1" + strings.Repeat(pair[1], n) + `,"name":"a.corp.example"}`
		if got := newNames().object([]byte(line)); len(got) > 200 || !strings.HasSuffix(string(got), `"name":"host1.example"}`) {
			t.Errorf("got %d bytes that end in %.40s", len(got), got[max(0, len(got)-40):])
		}
	}
}
