package report

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Advice for a proxy at fault: a measured proxy, or else any, after the named or an unknown
// one.
const (
	another = "try another proxy; h2trace report --suggest names the best of those measured"
	addOne  = "look at it, or join another proxy to it in GOPROXY with `|`"
	anyOne  = "try another proxy, joined with `|` in GOPROXY"
	lookAt  = "look at that proxy" // another sentence follows
)

// causes returns the cause of a failure.
func (t *trouble) causes() Cause {
	if c, ok := failureCauses[t.class]; ok {
		return c
	}
	if t.class == "other" && t.requests == 0 && t.url == "" {
		return Client
	}
	return Errors
}

// remedy says what failed, and what helps.
func (t *trouble) remedy() string {
	advice := t.advice()
	if t.barred != "" && t.via == "" && t.blames() {
		advice += "; " + follows(t.barred)
	}
	return advice
}

// advice returns the remedy without the next entry of GOPROXY.
func (t *trouble) advice() string {
	switch t.class {
	case "checksum":
		return t.checksum()
	case "dns", "connect", "tls":
		return t.failedDial()
	case "http_4xx":
		return t.refused()
	case "http_5xx":
		return fmt.Sprintf("%s: %s", t.answer(), t.elsewhere())
	case "vcs":
		return t.vcs()
	case "unavailable":
		return t.unavailable()
	case "toolchain":
		return t.toolchain()
	case "protocol":
		if strings.Contains(t.detail, plainAnswer) {
			return fmt.Sprintf("%s speaks HTTP without TLS where https is asked for: write http:// for it, or the port that speaks TLS", t.who())
		}
		return fmt.Sprintf("what %s sent is broken (protocol): %s", t.who(), t.elsewhere())
	case "reset", "goaway", "timeout", "aborted":
		return fmt.Sprintf("%s did not answer to the end (%s): %s", t.who(), t.class, t.elsewhere())
	}
	return "the go command stopped: " + t.line()
}

// vague reports whether the party at fault is unknown.
func (t *trouble) vague() bool {
	switch t.class {
	case "http_4xx", "http_5xx", "protocol", "reset", "goaway", "timeout", "aborted":
		return t.host == ""
	}
	return false
}

// blames reports whether an asked proxy is at fault.
func (t *trouble) blames() bool {
	switch t.class {
	case "unavailable", "toolchain", "vcs", "other":
		return false
	}
	return true
}

// who returns the asked party: an entry of GOPROXY, or a host.
func (t *trouble) who() string {
	switch {
	case t.proxy != "":
		return t.proxy
	case t.sumdb:
		return "the checksum database " + t.host
	case t.host != "":
		return t.host
	}
	return "the peer"
}

// what returns the requested thing.
func (t *trouble) what() string {
	switch {
	case t.path == "":
		return "what was asked for"
	case t.version == "":
		return t.path
	}
	return t.path + " " + t.version
}

// answer describes the response.
func (t *trouble) answer() string {
	if t.status == 0 {
		return fmt.Sprintf("%s failed (%s)", t.who(), t.class)
	}
	status := strings.TrimSpace(fmt.Sprintf("%d %s", t.status, http.StatusText(int(t.status))))
	said := ""
	if body := t.body(); body != "" {
		said = ", saying " + strconv.Quote(body)
	}
	return fmt.Sprintf("%s answered %s (%s)%s", t.who(), status, t.class, said)
}

// elsewhere says who can help: another proxy only if a proxy was asked.
func (t *trouble) elsewhere() string {
	switch {
	case t.proxy != "" && t.measured:
		return another
	case t.proxy != "" && t.barred != "":
		return lookAt
	case t.proxy != "":
		return addOne
	case t.page:
		return fmt.Sprintf("%s, which names the repository of %s, is at fault", t.host, t.path)
	}
	return "look at " + t.host
}

// failedDial returns the advice for a failed connection.
func (t *trouble) failedDial() string {
	if t.via != "" {
		return fmt.Sprintf(relayAdvice[t.causes()], t.via)
	}
	look, private := "", ""
	if t.page && t.class == "dns" {
		look, private = fmt.Sprintf("the path of the module %s, which names it, and ", t.path), t.unpublished()
	} else if t.proxy != "" && t.class == "dns" {
		look = "GOPROXY, and "
	}
	if t.host == "" {
		return dialAdvice[t.causes()]
	}
	return map[Cause]string{
		DNS:     fmt.Sprintf("the name %s could not be resolved: look at %sthe resolver", hostname(t.host), look) + private,
		Connect: fmt.Sprintf("connections to %s could not be made: look at the address, the network and the firewall", t.host),
		TLS:     fmt.Sprintf("TLS handshakes with %s failed: look at the certificate, and at what stands between", t.host),
	}[t.causes()]
}

func hostname(host string) string {
	u := url.URL{Host: host}
	return u.Hostname()
}

// refused returns the advice for a status that blames the client.
func (t *trouble) refused() string {
	if t.path == "golang.org/toolchain" && t.authorized != "true" {
		switch t.status {
		case http.StatusForbidden, http.StatusNotFound, http.StatusGone:
			return fmt.Sprintf("%s for the toolchain %s: look at the go and toolchain lines of go.mod and go.work, and at GOTOOLCHAIN; "+
				"install it, or have GOPROXY lead to a proxy that has it", t.answer(), strings.TrimPrefix(t.version, "v0.0.1-"))
		}
	}
	switch t.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		switch {
		case t.authorized == "true":
			return t.answer() + ", to the credentials that were sent: look at whether they are valid, and at what they allow"
		case t.authorized == "":
			return t.answer() + ": look at the credentials in .netrc or of GOAUTH, and at what they allow"
		case t.status == http.StatusForbidden: // credentials may not be the reason
			return t.answer() + ", and no credentials were sent: look at the path and the version; if it wants credentials, put them into .netrc, or set GOAUTH"
		}
		return t.answer() + ", and no credentials were sent: put them into .netrc, or set GOAUTH"
	case http.StatusTooManyRequests:
		when := "later"
		if t.after != "" {
			when = t.after
			if strings.Trim(when, "0123456789") == "" {
				when = "after " + when + " s"
			}
		}
		advice := fmt.Sprintf("%s, and wants to be asked again %s: ask for less at a time", t.answer(), when)
		if t.proxy != "" {
			advice += ", or use another proxy"
		}
		return advice
	case http.StatusNotFound, http.StatusGone:
		return t.missing()
	}
	return fmt.Sprintf("%s: %s", t.answer(), t.elsewhere())
}

// missing returns the advice for a module that does not exist, or is hidden.
func (t *trouble) missing() string {
	switch {
	case t.sumdb:
		return fmt.Sprintf("%s, so it does not know %s: for a private module set %s", t.answer(), t.what(), t.private())
	case t.page && t.authorized == "true":
		return fmt.Sprintf("%s for %s: look at its path, and at what the credentials that were sent allow", t.answer(), t.path) + t.unpublished()
	case t.page:
		return fmt.Sprintf("%s for %s: look at its path; if it is private, and no credentials were sent, put them into .netrc, or set GOAUTH", t.answer(), t.path) + t.unpublished()
	case t.path == "":
		return fmt.Sprintf("%s: %s", t.answer(), t.elsewhere())
	case t.known:
		return fmt.Sprintf("%s, which has %s, for %s: there is no such version; go list -m -versions %s names those that there are",
			t.answer(), t.path, t.version, t.path)
	}
	return fmt.Sprintf("%s for %s: look at its path and version; for a private module set %s, so that no proxy is asked", t.answer(), t.what(), t.private())
}

// private returns the GOPRIVATE pattern for a module and its neighbours.
func (t *trouble) private() string {
	parts := strings.SplitN(t.path, "/", 3)
	switch {
	case t.path == "":
		return "GOPRIVATE"
	case len(parts) == 3:
		return "GOPRIVATE=" + parts[0] + "/" + parts[1]
	}
	return "GOPRIVATE=" + parts[0]
}

// unpublished says how to hide the name of a module from proxies that do not have it, if
// some were asked.
func (t *trouble) unpublished() string {
	if !t.public {
		return ""
	}
	return "; if it is private, " + t.private() + " keeps its name from proxies"
}

var (
	wantsLogin = regexp.MustCompile(`could not read (?:Username|Password)|Authentication failed|terminal prompts disabled|Permission denied|access denied|HTTP Basic`)
	notInstall = regexp.MustCompile(`executable file not found|^missing \S+ command`)
	noHost     = regexp.MustCompile(`Could not resolve host`)
	fatal      = regexp.MustCompile(`(?m)^\s*(?:fatal|error|abort|svn): (.*)$`)
)

// vcs returns the advice for a version control system.
func (t *trouble) vcs() string {
	switch {
	case strings.Contains(t.detail, "GOVCS disallows"):
		return "GOVCS does not allow the version control system of " + t.path + ": look at GOVCS, and at go help vcs"
	case notInstall.MatchString(t.detail):
		return "a version control system is not installed, or not in PATH: " + t.line()
	case t.program == "":
		return t.line()
	}
	why := ""
	if m := fatal.FindStringSubmatch(t.detail); m != nil {
		why = ": " + m[1]
	} else if _, said, ok := cutLast(t.detail, ": "); ok && !strings.Contains(said, "\n") {
		why = ": " + said
	}
	advice := "look at the path of the module, and at whether it may be read"
	switch {
	case wantsLogin.MatchString(t.detail):
		advice = "give " + t.program + " credentials for it, or an ssh URL by url.insteadOf"
	case noHost.MatchString(t.detail):
		advice = "look at the name, and at the resolver"
	}
	return fmt.Sprintf("%s could not fetch %s%s; %s", t.program, t.host, why, advice) + t.unpublished()
}

// unavailable returns the advice for a module that no allowed source has.
func (t *trouble) unavailable() string {
	switch {
	case strings.Contains(t.detail, "GOPROXY=off") && len(t.asked) > 0:
		return fmt.Sprintf("%s does not have %s, and GOPROXY ends with off: look at its path and version, or let GOPROXY go on to direct",
			strings.Join(distinct(t.asked), ", "), t.what())
	case strings.Contains(t.detail, "GOPROXY=off"):
		return fmt.Sprintf("GOPROXY is off, and %s is not in the module cache: set GOPROXY", t.what())
	case strings.Contains(t.detail, "no go-import meta tags"):
		return fmt.Sprintf("the page %s names no repository: look at the path of the module %s", t.url, t.path)
	}
	return "there is no such version, or package: " + t.line()
}

func distinct(list []string) (out []string) {
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// toolchain returns the advice for a missing Go release.
func (t *trouble) toolchain() string {
	if strings.Contains(t.detail, "toolchain not available") {
		return fmt.Sprintf("no proxy has the toolchain that is required (%s): install it, or have GOPROXY lead to a proxy that has golang.org/toolchain", t.line())
	}
	return "another release of Go is required (" + t.line() + "): install it, or set GOTOOLCHAIN=auto, which fetches it"
}
