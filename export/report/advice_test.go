package report

import (
	"fmt"
	"strings"
	"testing"
)

// complains writes what a go command says of a module, and of which URLs it speaks,
// at a proxy if there is one.
func (w *writer) complains(ms float64, class, path, version, detail, proxy string, urls ...string) {
	w.complainsOf(ms, class, path, version, detail, proxy, "", urls...)
}

func (w *writer) complainsOf(ms float64, class, path, version, detail, proxy, more string, urls ...string) {
	var list []string
	for _, url := range urls {
		list = append(list, fmt.Sprintf(`{"conn":"c1","stream":1,"url":%q,"proxy":%s}`, url, quoted(proxy)))
	}
	module := "null"
	if path != "" {
		module = fmt.Sprintf(`{"path":%q,"version":%s}`, path, quoted(version))
	}
	w.line(ms, "process", `"pid":7,"comm":"go","action":"error","ppid":1,"exe":"/usr/bin/go","module":%s,"error":{"class":%q,"detail":%q},"requests":[%s]%s`,
		module, class, detail, strings.Join(list, ","), more)
}

func quoted(s string) string {
	if s == "" {
		return "null"
	}
	return fmt.Sprintf("%q", s)
}

// asked is a request for a file of a module at a proxy that is answered by a status.
func asked(url string, status int, more string) exchange {
	x := exchange{url: url, module: "m.example/org/m", kind: url[strings.LastIndexAny(url, "./")+1:], proxy: adviser, wait: 5, status: status, more: more}
	if status >= 400 {
		x.class = fmt.Sprintf("http_%dxx", status/100)
	}
	return x
}

const (
	adviser   = "https://goproxy.example"
	adviceM   = "m.example/org/m"
	adviceAt  = adviser + "/" + adviceM + "/@v/"
	forgePage = "https://m.example/org/m?go-get=1"
	proxies   = "another proxy"
)

// answered is a go command that fails by how a proxy answers for the .info file.
func answered(status int, phrase, more string) func(*writer) {
	return func(w *writer) {
		w.exchange(asked(adviceAt+"v1.0.0.info", status, more))
		w.complains(900, fmt.Sprintf("http_%dxx", status/100), adviceM, "v1.0.0",
			fmt.Sprintf("%s@v1.0.0: reading %sv1.0.0.info: %d %s\n\tserver response: why", adviceM, adviceAt, status, phrase), adviser, adviceAt+"v1.0.0.info")
	}
}

// paged is a go command that fails by how the host of a module answers for its page.
func paged(status int, phrase, more string) func(*writer) {
	return func(w *writer) {
		w.exchange(exchange{url: forgePage, wait: 5, status: status, class: fmt.Sprintf("http_%dxx", status/100), more: more})
		w.complains(900, fmt.Sprintf("http_%dxx", status/100), adviceM, "v1.0.0",
			fmt.Sprintf("%s@v1.0.0: unrecognized import path %q: reading %s: %d %s", adviceM, adviceM, forgePage, status, phrase), "", forgePage)
	}
}

// vcs is a go command that fails because git does.
func vcs(said, processes string) func(*writer) {
	return func(w *writer) {
		w.complainsOf(900, "vcs", adviceM, "v1.0.0", adviceM+"@v1.0.0: invalid version: "+said, "", processes)
	}
}

const lsRemote = "git ls-remote -q origin in /m/vcs/e0fa: exit status 128:\n\t"

// TestAdvice has what is said of what the go command complains of.
func TestAdvice(t *testing.T) {
	checkRows(t, []row{
		{
			name: "401, no credentials", write: answered(401, "Unauthorized", `,"authorized":false`), exit: 1, cause: Errors,
			text:     adviser + " answered 401 Unauthorized (http_4xx), saying \"why\", and no credentials were sent: put them into .netrc, or set GOAUTH",
			evidence: []string{"the go command complains (http_4xx): " + adviceM + "@v1.0.0: reading " + adviceAt + "v1.0.0.info: 401 Unauthorized server response: why"},
			never:    []string{proxies, adviceAt + "v1.0.0.info: why"},
		},
		{
			name: "403, credentials", write: answered(403, "Forbidden", `,"authorized":true`), exit: 1, cause: Errors,
			text:  adviser + " answered 403 Forbidden (http_4xx), saying \"why\", to the credentials that were sent: look at whether they are valid, and at what they allow",
			never: []string{proxies},
		},
		{
			name: "403, no credentials", write: answered(403, "Forbidden", `,"authorized":false`), exit: 1, cause: Errors,
			text: adviser + " answered 403 Forbidden (http_4xx), saying \"why\", and no credentials were sent: look at the path and the version; " +
				"if it wants credentials, put them into .netrc, or set GOAUTH",
			never: []string{proxies},
		},
		{
			name: "403, of a file without that key", write: answered(403, "Forbidden", ""), exit: 1, cause: Errors,
			text: adviser + " answered 403 Forbidden (http_4xx), saying \"why\": look at the credentials in .netrc or of GOAUTH, and at what they allow",
		},
		{
			name: "404 of all", write: answered(404, "Not Found", `,"authorized":false`), exit: 1, cause: Errors,
			text: adviser + " answered 404 Not Found (http_4xx), saying \"why\" for m.example/org/m v1.0.0: look at its path and version; " +
				"for a private module set GOPRIVATE=m.example/org, so that no proxy is asked",
			never: []string{proxies},
		},
		{
			name: "404 of a version", write: func(w *writer) {
				w.exchange(asked(adviceAt+"list", 200, ""))
				answered(404, "Not Found", "")(w)
			}, exit: 1, cause: Errors,
			text: adviser + " answered 404 Not Found (http_4xx), saying \"why\", which has m.example/org/m, for v1.0.0: there is no such version; " +
				"go list -m -versions m.example/org/m names those that there are",
			never: []string{"GOPRIVATE", proxies},
		},
		{
			name: "429", write: answered(429, "Too Many Requests", `,"retry_after":"30"`), exit: 1, cause: Errors,
			text: adviser + " answered 429 Too Many Requests (http_4xx), saying \"why\", and wants to be asked again after 30 s: ask for less at a time, or use another proxy",
		},
		{
			name: "503", write: answered(503, "Service Unavailable", ""), exit: 1, cause: Errors,
			text:  adviser + " answered 503 Service Unavailable (http_5xx), saying \"why\": " + addOne,
			never: []string{"--suggest", "follows"},
		},
		{
			name: "503, and another was measured", write: func(w *writer) {
				w.measured()
				answered(503, "Service Unavailable", "")(w)
			}, exit: 1, cause: Errors,
			text: adviser + " answered 503 Service Unavailable (http_5xx), saying \"why\": " + another,
		},
		{
			name: "page, 502", write: paged(502, "Bad Gateway", ""), exit: 1, cause: Errors,
			text:     "m.example answered 502 Bad Gateway (http_5xx): m.example, which names the repository of m.example/org/m, is at fault",
			evidence: []string{"the go command complains (http_5xx): "},
			never:    []string{proxies, "--suggest", "2 times"},
		},
		{
			name: "page, 404", write: paged(404, "Not Found", `,"authorized":false`), exit: 1, cause: Errors,
			text: "m.example answered 404 Not Found (http_4xx) for m.example/org/m: look at its path; " +
				"if it is private, and no credentials were sent, put them into .netrc, or set GOAUTH",
			never: []string{proxies},
		},
		{
			name: "page, 429", write: paged(429, "Too Many Requests", ""), exit: 1, cause: Errors,
			text:  "m.example answered 429 Too Many Requests (http_4xx), and wants to be asked again later: ask for less at a time",
			never: []string{proxies},
		},
		{
			name: "page that names no repository", write: func(w *writer) {
				w.exchange(exchange{url: forgePage, wait: 5})
				w.complains(900, "unavailable", adviceM, "v1.0.0", adviceM+`@v1.0.0: unrecognized import path "m.example/org/m": parse `+forgePage+": no go-import meta tags ()", "", forgePage)
			}, exit: 1, cause: Errors,
			text: "the page " + forgePage + " names no repository: look at the path of the module m.example/org/m",
		},
		{
			name: "proxy, then off", write: func(w *writer) {
				w.exchange(asked(adviceAt+"v1.0.0.info", 410, ""))
				w.complains(900, "unavailable", adviceM, "v1.0.0", adviceM+"@v1.0.0: module lookup disabled by GOPROXY=off", adviser, adviceAt+"v1.0.0.info")
			}, exit: 1, cause: Errors,
			text: adviser + " does not have m.example/org/m v1.0.0, and GOPROXY ends with off: look at its path and version, or let GOPROXY go on to direct",
		},
		{
			name: "off", write: func(w *writer) {
				w.complains(900, "unavailable", adviceM, "v1.0.0", adviceM+"@v1.0.0: module lookup disabled by GOPROXY=off", "")
			}, exit: 1, cause: Errors,
			text: "GOPROXY is off, and m.example/org/m v1.0.0 is not in the module cache: set GOPROXY",
		},
		{
			name: "no matching version", write: func(w *writer) {
				w.complains(900, "unavailable", adviceM, "", adviceM+`@>v1.5.0: no matching versions for query ">v1.5.0"`, "")
			}, exit: 1, cause: Errors,
			text: "there is no such version, or package: " + adviceM + `@>v1.5.0: no matching versions for query ">v1.5.0"`,
		},
		{
			name: "checksum database", write: func(w *writer) {
				const lookup = "https://sum.example/lookup/m.example/org/m@v1.0.0"
				w.exchange(exchange{url: lookup, wait: 5, status: 404, class: "http_4xx", kind: "sumdb-lookup", module: adviceM})
				w.complains(900, "http_4xx", adviceM, "v1.0.0", adviceM+"@v1.0.0: verifying module: "+adviceM+"@v1.0.0: reading "+lookup+": 404 Not Found", "", lookup)
			}, exit: 1, cause: Errors,
			text:  "the checksum database sum.example answered 404 Not Found (http_4xx), so it does not know m.example/org/m v1.0.0: for a private module set GOPRIVATE=m.example/org",
			never: []string{proxies},
		},
		{
			name: "git, not found", write: vcs(lsRemote+"remote: no such repository\n\tfatal: repository 'https://m.example/org/m.git/' not found", ""), exit: 1, cause: Errors,
			text:  "git could not fetch https://m.example/org/m.git: repository 'https://m.example/org/m.git/' not found; look at the path of the module, and at whether it may be read",
			never: []string{proxies, "--suggest"},
		},
		{
			name: "git, login", write: vcs(lsRemote+"fatal: could not read Username for 'https://m.example': terminal prompts disabled",
				`,"processes":[{"pid":9,"args":["git","ls-remote","-q","https://m.example/org/m"],"exit_code":128}]`), exit: 1, cause: Errors,
			text: "git could not fetch https://m.example/org/m: could not read Username for 'https://m.example': terminal prompts disabled; give git credentials for it, or an ssh URL by url.insteadOf",
		},
		{
			name: "git, of a module that a proxy was asked for", write: func(w *writer) {
				w.exchange(asked(adviceAt+"v1.0.0.info", 404, ""))
				vcs(lsRemote+"fatal: Authentication failed for 'https://m.example/org/m/'", "")(w)
			}, exit: 1, cause: Errors,
			text: "git could not fetch https://m.example/org/m: Authentication failed for 'https://m.example/org/m/'; " +
				"give git credentials for it, or an ssh URL by url.insteadOf; if it is private, GOPRIVATE=m.example/org keeps its name from proxies",
		},
		{
			name: "page, of a module that a proxy was asked for", write: func(w *writer) {
				w.exchange(asked(adviceAt+"v1.0.0.info", 404, ""))
				paged(404, "Not Found", `,"authorized":true`)(w)
			}, exit: 1, cause: Errors,
			text: "m.example answered 404 Not Found (http_4xx) for m.example/org/m: look at its path, and at what the credentials that were sent allow; " +
				"if it is private, GOPRIVATE=m.example/org keeps its name from proxies",
			never: []string{proxies},
		},
		{
			name: "git, no name", write: vcs(lsRemote+"fatal: unable to access 'https://m.example/org/m/': Could not resolve host: m.example", ""), exit: 1, cause: Errors,
			text: "git could not fetch https://m.example/org/m: unable to access 'https://m.example/org/m/': Could not resolve host: m.example; look at the name, and at the resolver",
		},
		{
			name: "git, by no protocol", write: vcs("no secure protocol found for repository",
				`,"processes":[{"pid":9,"args":["git","ls-remote","https://m.example/org/m"],"exit_code":128},{"pid":10,"args":["git","ls-remote","git+ssh://m.example/org/m"],"exit_code":128}]`), exit: 1, cause: Errors,
			text: "git could not fetch https://m.example/org/m: no secure protocol found for repository; look at the path of the module, and at whether it may be read",
		},
		{
			name: "no git", write: vcs(`git init --bare in /m/vcs/e0fa: exec: "git": executable file not found in $PATH`, ""), exit: 1, cause: Errors,
			text: "a version control system is not installed, or not in PATH: " + adviceM + `@v1.0.0: invalid version: git init --bare in /m/vcs/e0fa: exec: "git": executable file not found in $PATH`,
		},
		{
			name: "toolchain", write: func(w *writer) {
				w.exchange(asked(adviceAt+"v1.0.0.mod", 200, ""))
				w.complains(900, "toolchain", adviceM, "v1.0.0", adviceM+"@v1.0.0 requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)", adviser, adviceAt+"v1.0.0.mod")
			}, exit: 1, cause: Errors,
			text:  "another release of Go is required (" + adviceM + "@v1.0.0 requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)): install it, or set GOTOOLCHAIN=auto, which fetches it",
			never: []string{proxies},
		},
		{
			name: "HTTP where TLS is wanted", write: func(w *writer) {
				w.failed(10, "goproxy.example", "192.0.2.1:443", "tls", "first record does not look like a TLS handshake")
				w.complains(900, "protocol", adviceM, "v1.0.0", adviceM+`@v1.0.0: Get "`+adviceAt+`v1.0.0.info": http: server gave HTTP response to HTTPS client`, "")
			}, exit: 1, cause: Errors,
			text:  adviser + " speaks HTTP without TLS where https is asked for: write http:// for it, or the port that speaks TLS",
			never: []string{"certificate", "(tls)"},
		},
		{
			name: "proxy has no name", write: func(w *writer) {
				w.failed(10, "goproxy.example", "", "dns", "NXDOMAIN")
				for i := range 3 {
					w.complains(900, "dns", fmt.Sprint("m.example/", i), "v1.0.0", fmt.Sprintf(`m.example/%d@v1.0.0: Get "%s/m.example/%d/@v/v1.0.0.info": dial tcp: lookup goproxy.example on 192.0.2.53:53: no such host`, i, adviser, i), "")
				}
			}, exit: 1, cause: DNS,
			text:     "the name goproxy.example could not be resolved: look at GOPROXY, and the resolver",
			evidence: []string{"the go command complains (dns): m.example/0@v1.0.0: Get"},
			never:    []string{"3 times", "NXDOMAIN"},
		},
		{
			name: "two proxies that are not reached", write: func(w *writer) {
				w.failed(10, "first.example", "192.0.2.1:443", "connect", "ECONNREFUSED")
				w.failed(20, "goproxy.example", "192.0.2.2:443", "connect", "ECONNREFUSED")
				w.complains(900, "connect", adviceM, "v1.0.0", adviceM+`@v1.0.0: Get "`+adviceAt+`v1.0.0.info": dial tcp 192.0.2.2:443: connect: connection refused`, "")
			}, exit: 1, cause: Connect,
			text:     "connections to goproxy.example could not be made: look at the address, the network and the firewall",
			evidence: []string{"the go command complains (connect): m.example/org/m@v1.0.0", "1 connection failed (connect): first.example 192.0.2.1:443"},
			never:    []string{": goproxy.example 192"},
		},
		{
			name: "module whose host has no name", write: func(w *writer) {
				w.complains(900, "dns", adviceM, "v1.0.0", adviceM+`@v1.0.0: unrecognized import path "m.example/org/m": https fetch: Get "`+forgePage+`": dial tcp: lookup m.example on 192.0.2.53:53: no such host`, "")
			}, exit: 1, cause: DNS,
			text: "the name m.example could not be resolved: look at the path of the module m.example/org/m, which names it, and the resolver",
		},
		{
			name: "HTTP proxy refuses", write: func(w *writer) {
				w.exchange(exchange{method: "CONNECT", url: "goproxy.example:443", wait: 5, status: 403, class: "http_4xx", via: "http://relay.example:3128"})
				w.complainsOf(900, "connect", adviceM, "v1.0.0", adviceM+`@v1.0.0: Get "`+adviceAt+`v1.0.0.info": Forbidden`, "", `,"via":"http://relay.example:3128"`)
			}, exit: 1, cause: Connect,
			text:     "the HTTP proxy http://relay.example:3128 could not be reached, or refused: look at HTTPS_PROXY, and at the proxy",
			evidence: []string{"the go command complains (connect): "},
			never:    []string{"CONNECT", "2 times"},
		},
		{
			name: "the same for each package", write: func(w *writer) {
				for range 3 {
					answered(500, "Internal Server Error", "")(w)
				}
			}, exit: 1, cause: Errors,
			text:     adviser + " answered 500 Internal Server Error (http_5xx), saying \"why\": " + addOne,
			evidence: []string{"the go command complains (http_5xx): "},
			never:    []string{"2 times", "3 times"},
		},
		{
			name: "others that are answered like the one complained of", write: func(w *writer) {
				other := asked(adviser+"/n.example/@v/v1.0.0.info", 503, "")
				w.exchange(other)
				answered(503, "Service Unavailable", "")(w)
				w.exchange(other)
			}, exit: 1, cause: Errors,
			text:     adviser + " answered 503 Service Unavailable (http_5xx), saying \"why\": " + addOne,
			evidence: []string{"the go command complains (http_5xx): "},
			never:    []string{"failed (", "2 times"},
		},
		{
			name: "paths that are all refused", write: func(w *writer) {
				for _, path := range []string{"m.example/org/m", "m.example/org", "m.example"} {
					x := asked(adviser+"/"+path+"/@v/list", 400, "")
					x.module = path
					w.exchange(x)
				}
				at := adviser + "/m.example/org/m/@v/list"
				w.complains(900, "http_4xx", adviceM, "", "module "+adviceM+": reading "+at+": 400 Bad Request", adviser, at)
			}, exit: 1, cause: Errors,
			text:     adviser + " answered 400 Bad Request (http_4xx): " + addOne,
			evidence: []string{"the go command complains (http_4xx): "}, never: []string{"failed ("},
		},
		{
			name: "git does not find the host", write: func(w *writer) {
				w.line(800, "conn", `"pid":8,"comm":"git-remote-http","action":"failed","local":null,"remote":null,"dns_ms":5.000,"connect_ms":null,"name":"code.example","error":{"class":"dns","detail":"NXDOMAIN"}`)
				w.complainsOf(900, "vcs", adviceM, "v1.0.0", adviceM+"@v1.0.0: invalid version: git ls-remote -q https://code.example/m in /m: exit status 128:\n\tfatal: unable to access 'https://code.example/m/': Could not resolve host: code.example", "",
					`,"processes":[{"pid":8,"args":["git","ls-remote","-q","https://code.example/m"],"exit_code":128}]`)
			}, exit: 1, cause: Errors,
			text:     "git could not fetch https://code.example/m: unable to access 'https://code.example/m/': Could not resolve host: code.example; look at the name, and at the resolver",
			evidence: []string{"the go command complains (vcs): "}, never: []string{"connection failed"},
		},
		{
			name: "toolchain that a proxy does not have", write: func(w *writer) {
				at, version := adviser+"/golang.org/toolchain/@v/v0.0.1-go1.99.0.linux-amd64.zip", "v0.0.1-go1.99.0.linux-amd64"
				x := asked(at, 403, `,"authorized":false`)
				x.module, x.version = "golang.org/toolchain", version
				w.exchange(x)
				w.complains(900, "http_4xx", x.module, version, "download go1.99.0: golang.org/toolchain@"+version+": reading "+at+": 403 Forbidden", adviser, at)
			}, exit: 1, cause: Errors,
			text: adviser + " answered 403 Forbidden (http_4xx) for the toolchain go1.99.0.linux-amd64: look at the go and toolchain lines of go.mod and go.work, " +
				"and at GOTOOLCHAIN; install it, or have GOPROXY lead to a proxy that has it",
			never: []string{"credentials"},
		},
		{
			name: "another that is answered otherwise", write: func(w *writer) {
				w.exchange(asked(adviser+"/n.example/@v/v1.0.0.info", 502, ""))
				answered(503, "Service Unavailable", "")(w)
			}, exit: 1, cause: Errors,
			text:     adviser + " answered 503 Service Unavailable (http_5xx), saying \"why\": " + addOne,
			evidence: []string{"the go command complains (http_5xx): ", "1 request failed (http_5xx): " + adviser + "/n.example"},
		},
		{
			name: "no fetch", write: func(w *writer) {
				w.complains(900, "other", "", "", "no required module provides package m.example/org/m; to add it:\n\tgo get m.example/org/m", "")
			}, exit: 1, cause: Client,
			text: "the go command stopped: no required module provides package m.example/org/m; to add it: go get m.example/org/m",
		},
		{
			name: "paths that are no modules", write: func(w *writer) {
				for path, status := range map[string]int{"m.example/org/m/p": 403, "m.example/org/m": 200, "m.example/org": 403, "m.example": 404} {
					x := asked(adviser+"/"+path+"/@v/list", status, "")
					x.module = path
					w.exchange(x)
				}
				w.line(900, "process", `"pid":7,"comm":"go","action":"error","ppid":1,"exe":null,"module":null,"error":{"class":"other","detail":"go.mod is gone"}`)
			}, exit: 1, cause: Client, text: "the go command stopped: go.mod is gone", never: []string{"http_4xx"},
		},
		{
			name: "no path is a module", write: func(w *writer) {
				for _, path := range []string{"m.example/org/m", "m.example/org", "m.example"} {
					x := asked(adviser+"/"+path+"/@v/list", 403, `,"authorized":false`)
					x.module = path
					w.exchange(x)
				}
			}, exit: 1, cause: Errors,
			text:     "requests failed (http_4xx): " + adviser + " answered 403 Forbidden (http_4xx), and no credentials were sent: look at the path and the version; if it wants credentials, put them into .netrc, or set GOAUTH",
			evidence: []string{"3 requests failed (http_4xx), such as "},
		},
		{
			name: "a program that is no go command", write: func(w *writer) {
				w.exchange(exchange{url: "https://api.example/v1", wait: 5, status: 502, class: "http_5xx"})
			}, exit: 1, cause: Errors,
			text:  "requests failed (http_5xx): api.example answered 502 Bad Gateway (http_5xx): look at api.example",
			never: []string{proxies, "--suggest"},
		},
	})
}
