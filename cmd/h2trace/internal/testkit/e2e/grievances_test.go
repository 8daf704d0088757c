package e2e

import (
	"net/http"
	"strings"
	"testing"

	"h2trace/scripts/goreleases"
)

// refusals are of module proxies that refuse a request.
func refusals() []grievance {
	info := oneFile + ".info"
	refusal := func(name string, status int, cause string, text ...string) grievance {
		return grievance{
			situation: situation{name: name, cause: cause, text: text, evidence: []string{"server response: so it was asked for"}, never: twice},
			instead:   instead(info, says(status, "Retry-After", "30")), args: downloadOne, class: "http_4xx", requests: []string{info},
		}
	}
	with := func(g grievance, change func(*grievance)) grievance {
		change(&g)
		return g
	}
	none := refusal("401 without credentials", 401, "errors", "answered 401 Unauthorized", "no credentials were sent", ".netrc")
	return []grievance{
		none,
		with(none, func(g *grievance) { g.name, g.plain = "401 without TLS", true }),
		with(none, func(g *grievance) { // more than is kept of a message
			long := "example.test/one/" + strings.Repeat("m", 200)
			g.name, g.args, g.requests = "401 with a long answer", []string{"mod", "download", long + "@v1.0.0"}, []string{"/" + long + "/@v/v1.0.0.info"}
			g.evidence = []string{"xxx…"}
			g.instead = instead(g.requests[0], func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, strings.Repeat("x", 600), http.StatusUnauthorized)
			})
		}),
		with(none, func(g *grievance) { g.name, g.env = "401, HTTP/1.1", environment("GODEBUG=http2client=0") }),
		with(none, func(g *grievance) {
			g.name, g.relay, g.goproxy = "401 through an HTTP proxy", http.StatusOK, "https://goproxy.example"
		}),
		with(refusal("403 with credentials", 403, "errors", "answered 403 Forbidden", "saying \"so it was asked for\", to the credentials that were sent"), func(g *grievance) { g.env = netrc }),
		with(refusal("403 before a comma", 403, "errors", "answered 403 Forbidden", "https://goproxy.example follows in GOPROXY", "write `|`"), func(g *grievance) {
			g.goproxy = "{},https://goproxy.example"
		}),
		{
			situation: situation{
				name: "refused before a comma", cause: "connect", text: []string{"could not be made", "https://goproxy.example follows in GOPROXY", "write `|`"},
				never: append(twice, "--suggest", "hunter2"),
			},
			args: downloadOne, class: "connect",
			env: func(t *testing.T, _ string) []string {
				return []string{"GOPROXY=https://" + closedAddr(t) + ",https://someone:hunter2@goproxy.example"}
			},
		},
		refusal("404 of a version", 404, "errors", "answered 404 Not Found", "GOPRIVATE=example.test/one"),
		refusal("429", 429, "errors", "answered 429 Too Many Requests", "after 30 s"),
		with(refusal("proxy, then off", 410, "errors", "does not have example.test/one/m000 v1.0.0, and GOPROXY ends with off"), func(g *grievance) {
			g.goproxy, g.class, g.requests, g.evidence = "{},off", "unavailable", []string{info}, []string{"the go command complains (unavailable)"}
		}),
		{
			situation: situation{name: "no matching version", cause: "errors", text: []string{"there is no such version"}, never: noProxy},
			args:      []string{"get", "example.test/one/m000@>v1.5.0"}, class: "unavailable",
		},
		{
			situation: situation{name: "checksum database", cause: "errors", text: []string{"the checksum database localhost:", "GOPRIVATE=example.test/one"}, never: append(twice, noProxy...)},
			args:      downloadOne, env: sumDB, class: "http_4xx", requests: []string{"/lookup/example.test/one/m000@v1.0.0"},
		},
		{
			situation: situation{name: "paths that are no modules", cause: "healthy", text: []string{"nothing failed"}, never: []string{"http_4xx"}},
			instead:   map[string]http.HandlerFunc{"/example.test/one/@v/list": says(403), "/example.test/@v/list": says(403), "/example.test/one/m000/p/@v/list": says(403)},
			// The list of the module itself is there.
			args: []string{"get", "example.test/one/m000@latest"}, ok: true,
		},
	}
}

// directFailures are of downloads without a module proxy.
func directFailures() []grievance {
	page := func(name string, h http.HandlerFunc, class string, text ...string) grievance {
		return grievance{
			situation: situation{name: name, cause: "errors", text: text, never: append(twice, noProxy...)},
			instead:   instead("/m", h), goproxy: "direct", relay: http.StatusOK, args: downloadPage, class: class, requests: []string{"https://goproxy.example/m?go-get=1"},
		}
	}
	git := environment("GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file:///nowhere/.insteadOf", "GIT_CONFIG_VALUE_0=https://")
	byPage := page("git, by a page", with(`<meta name="go-import" content="goproxy.example/m git https://forge.example/m.git">`), "vcs",
		"git could not fetch https://forge.example/m.git")
	byPage.env, byPage.requests, byPage.processes = git, nil, 1
	moved := page("page that is elsewhere", says(302, "Location", "/elsewhere?go-get=1"), "http_5xx", "goproxy.example answered 502 Bad Gateway", "the repository of goproxy.example/m")
	moved.instead["/elsewhere"] = says(502)
	moved.requests = append(moved.requests, "https://goproxy.example/elsewhere?go-get=1")
	return []grievance{
		page("page, 502", says(502), "http_5xx", "goproxy.example answered 502 Bad Gateway", "names the repository of goproxy.example/m"),
		page("page that names no repository", with("<html></html>"), "unavailable", "https://goproxy.example/m?go-get=1 names no repository"),
		moved,
		byPage,
		{
			situation: situation{
				name: "git", cause: "errors", text: []string{"git could not fetch https://example.test/repo", "no secure protocol found"}, evidence: []string{"the go command complains (vcs)"},
				never: append([]string{"tls", "server_wait"}, noProxy...),
			},
			goproxy: "direct", args: []string{"mod", "download", "example.test/repo.git@v1.0.0"}, env: git, class: "vcs", processes: 3,
		},
		{
			situation: situation{name: "HTTP proxy that refuses", cause: "connect", text: []string{"the HTTP proxy http://127.0.0.1:", "or refused"}, never: twice},
			goproxy:   "https://goproxy.example", relay: http.StatusForbidden, args: downloadOne, class: "connect", requests: []string{"goproxy.example:443"},
		},
	}
}

// brokenAnswers are of invalid responses.
func brokenAnswers() []grievance {
	zip := oneFile + ".zip"
	broken := func(name, file string, h http.HandlerFunc, class string, requests ...string) grievance {
		return grievance{
			situation: situation{name: name, cause: "errors", text: []string{"is broken (protocol)", "another proxy"}, never: twice},
			instead:   instead(file, h), args: downloadOne, class: class, requests: requests,
		}
	}
	short := broken("zip that is too short", zip, with("PK", "Content-Length", "9000"), "protocol", zip)
	short1 := broken("zip that is too short, HTTP/1.1", zip, with("PK", "Content-Length", "9000"), "protocol", zip)
	short1.env = environment("GODEBUG=http2client=0")
	short1.text, short1.class = []string{"did not answer to the end (reset)"}, "reset"
	newest := short1 // it says so before it closes the connection
	newest.name, newest.release = newest.name+", newest release", goreleases.Few[len(goreleases.Few)-1]
	oldest := short // it names no URL
	oldest.name, oldest.release = oldest.name+", oldest release", goreleases.Few[0]
	tls := grievance{
		situation: situation{name: "HTTP where TLS is wanted", cause: "errors", text: []string{"speaks HTTP without TLS where https is asked for"}, never: []string{"certificate", "(tls)", "(connect)"}},
		plain:     true, args: downloadOne, class: "protocol",
		env: func(_ *testing.T, proxy string) []string { return []string{"GOPROXY=https" + proxy[len("http"):]} },
	}
	return []grievance{
		short, short1, newest, oldest, tls,
		broken("zip that is none", zip, with("nothing of the kind"), "protocol", zip),
	}
}

// ownFailures are of go commands that fail whatever proxies respond.
func ownFailures() []grievance {
	tooNew := with("module example.test/one/m000\n\ngo 1.999\n")
	return []grievance{
		{
			situation: situation{name: "toolchain", cause: "errors", text: []string{"another release of Go is required", "requires go >= 1.999", "GOTOOLCHAIN=auto"}, never: noProxy},
			instead:   instead(oneFile+".mod", tooNew), args: []string{"get", "example.test/one/m000@v1.0.0"}, class: "toolchain", requests: []string{oneFile + ".mod"},
		},
		{
			situation: situation{name: "the same for each package", cause: "errors", text: []string{"answered 500 Internal Server Error"}, evidence: []string{"the go command complains (http_5xx)"}, never: twice},
			instead:   instead(oneFile+".zip", says(500)), args: []string{"build", "./..."}, class: "http_5xx", requests: []string{oneFile + ".zip"},
			files: map[string]string{"go.mod": requires, "main.go": usesOne + "import _ \"example.test/one/m000/p\"\n"},
		},
		{
			situation: situation{name: "no requirement", cause: "client", text: []string{"the go command stopped: no required module provides package example.test/one/m000"}, never: noProxy},
			args:      []string{"build", "."}, env: environment("GOFLAGS=-modcacherw"), files: map[string]string{"main.go": usesOne}, class: "other",
		},
		{
			situation: situation{name: "compiler", cause: "client", text: []string{"exit status 1", "read what it printed"}, never: append([]string{"the go command stopped"}, noProxy...)},
			args:      []string{"vet", "."}, files: map[string]string{"main.go": "package main\n\nvar x int = = 1\n"},
		},
	}
}
