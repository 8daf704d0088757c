package redact

import (
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// Tokens of each shape. They are put together here, so that nothing takes this file for a leak.
var tokens = map[string]string{
	"github":       "ghp" + "_" + strings.Repeat("aB3d", 9),
	"github app":   "ghs" + "_" + strings.Repeat("Zz09", 9),
	"github fine":  "github" + "_pat_11ABCDEFG0" + strings.Repeat("aB3d", 10),
	"gitlab":       "glpat" + "-" + "aB3d_f-gH1jK2mN4pQ5r",
	"gitlab new":   "glpat" + "-" + "aB3dfgH1jK2mN4pQ5rzzzzzzz.01.0w1abcdef",
	"gitlab job":   "glcbt" + "-" + "64_aB3dfgH1jK2mN4pQ5r",
	"aws":          "AKIA" + "IOSFODNN7EXAMPL3",
	"aws session":  "ASIA" + "IOSFODNN7EXAMPL3",
	"google":       "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
	"slack":        "xoxb" + "-123456789012-abcdefABCDEF",
	"npm":          "npm" + "_" + strings.Repeat("aB3", 12),
	"artifactory":  "AKCp" + strings.Repeat("5aB3dE", 12),
	"vault":        "hvs" + "." + strings.Repeat("CAESIa3b", 6),
	"docker":       "dckr" + "_pat_" + strings.Repeat("aB3-", 7),
	"json web":     "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9" + "." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0" + "." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
	"json web, no": "eyJ0eXAiOiJKV1QifQ12" + "." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".",
}

// planted are places with a secret, for which X stands. Everything else in them is to stay.
var planted = []struct{ in, want string }{
	{`password: X`, `password: <redacted>`},
	{`the password: X, and the rest`, `the password: <redacted>, and the rest`},
	{`Password:X`, `Password:<redacted>`},
	{`{"password":"X","user":"me"}`, `{"password":"<redacted>","user":"me"}`},
	{`{"password": "X"}`, `{"password": "<redacted>"}`},
	{`{"a":{"client_secret" : "X"}, "b":1}`, `{"a":{"client_secret" : "<redacted>"}, "b":1}`},
	{`{"access_token":"X","expires_in":3600}`, `{"access_token":"<redacted>","expires_in":3600}`},
	{`{"pin":X,"b":1}`, `{"pin":<redacted>,"b":1}`},
	{`{\"password\":\"X\",\"user\":\"me\"}`, `{\"password\":\"<redacted>\",\"user\":\"me\"}`},
	{`{'password': 'X'}`, `{'password': '<redacted>'}`},
	{`password='X y' next`, `password='<redacted>' next`},
	{`password = X next`, `password = <redacted> next`},
	{`token: X next`, `token: <redacted> next`},
	{`x-api-key: X`, `x-api-key: <redacted>`},
	{`got --password X for it`, `got --password <redacted> for it`},
	{`run -token X now`, `run -token <redacted> now`},
	{`run --password=X now`, `run --password=<redacted> now`},
	{`run --password "X y" now`, `run --password "<redacted>" now`},
	{`user:X@host.example`, `<redacted>@host.example`},
	{`at user:X@host.example:path of it`, `at <redacted>@host.example:path of it`},
	{`https:user:X@host.example/a`, `<redacted>@host.example/a`},
	{`https:/user:X@host.example/a`, `https:/<redacted>@host.example/a`},
	{`https:\/\/user:X@host.example\/a`, `https:\/\/<redacted>@host.example\/a`},
	{`user:a@b!X@host.example`, `<redacted>@host.example`},
	{`user:X@10.1.2.3:8080`, `<redacted>@10.1.2.3:8080`},
	{`sent token X to it`, `sent token <redacted> to it`},
	{`sent Basic X= to it`, `sent Basic <redacted> to it`},
	{`sent "Bearer X"`, `sent "Bearer <redacted>"`},
	{`Negotiate X==, Basic realm="a"`, `Negotiate <redacted>, Basic realm="a"`},
	{`NTLM X`, `NTLM <redacted>`},
	{`Authorization: Custom X y`, `Authorization: <redacted>`},
	{`curl -H 'Authorization: Custom X y' https://h.example`, `curl -H 'Authorization: <redacted>' https://h.example`},
	{`git -c http.extraHeader="X-Any: X y" fetch`, `git -c http.extraHeader="<redacted>" fetch`},
	{"cookie: a=b; c=X\nnext", "cookie: <redacted>\nnext"},
	{`/api/private-token/X/list`, `/api/private-token/<redacted>/list`},
	{`/api/token/XaB3dE5gH1jK2mN4p/list`, `/api/token/<redacted>/list`},
	{"-----BEGIN RSA PRIVATE KEY-----\nX\n-----END RSA PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----<redacted>-----END RSA PRIVATE KEY-----"},
	{"-----BEGIN%20PRIVATE%20KEY-----%0AX", "-----BEGIN%20PRIVATE%20KEY-----<redacted>"},
	{`<https://h.example/?token=X>; rel="next"`, `<https://h.example/?token=<redacted>>; rel="next"`},
}

func TestPlantedText(t *testing.T) {
	const secret = "S3cr3tV4lue"
	r := New()
	for _, tt := range planted {
		in := strings.ReplaceAll(tt.in, "X", secret)
		if strings.HasPrefix(tt.in, "x-") || strings.Contains(tt.in, "X-Any") {
			in = strings.ReplaceAll(in, secret+"-Any", "X-Any")
		}
		out, _ := r.Text(in)
		if got := string(out); got != tt.want {
			t.Errorf("%s: got %q, want %q", in, got, tt.want)
		}
	}
}

func TestPlantedTokens(t *testing.T) {
	r := New()
	for kind, token := range tokens {
		for _, around := range [][2]string{
			{"", ""},
			{"/", "/@v/list"},
			{"/org/", "?a=b"},
			{"see https://h.example/p/", ", please"},
			{"a=", "&b"},
			{`{"x":"`, `"}`},
			{"(", ")"},
			{"<", ">"},
			{"go: ", ": not found"},
			{"u:", "@h.example"},
			{"//", "@h.example/x"},
			{"x%20", "%20y"},
		} {
			in := around[0] + token + around[1]
			out, found := r.Text(in)
			got := string(out)
			if !found || strings.Contains(got, token[len(token)/2:]) || !strings.Contains(got, Mark) {
				t.Errorf("%s: %q became %q", kind, in, got)
			}
			if again := String(got); again != got {
				t.Errorf("%s: %q, and then %q", kind, got, again)
			}
		}
	}
}

// TestMinShape holds MinShape against the shapes.
func TestMinShape(t *testing.T) {
	least := jwtHead + len(".") + minJWT
	for _, s := range shapes {
		least = min(least, len(s.prefix)+s.min)
	}
	if least != MinShape {
		t.Errorf("got %d, want %d", MinShape, least)
	}
}

func TestPlantedHeaders(t *testing.T) {
	const secret = "S3cr3tV4lue"
	r := New()
	for _, tt := range []struct{ name, value, want string }{
		{"x-pin", "1234", Mark},
		{"x-refresh", secret, Mark},
		{"x-refresh", "30", "30"},
		{"refresh", "5; url=https://h.example/", "5; url=https://h.example/"},
		{"x-build-tok", secret, Mark},
		{"x-oauth", secret, Mark},
		{"x-oauth-scopes", "repo, user", "repo, user"},
		{"x-sso", "required", "required"},
		{"client-cert", ":MIIB:", Mark},
		{"x-forwarded-client-cert", "By=x", Mark},
		{"x-amzn-mtls-clientcert", "x", Mark},
		{"x-ssl-client-cert", "x", Mark},
		{"authentication-info", `nextnonce="x"`, Mark},
		{"proxy-authentication-info", `x`, Mark},
		{"www-authenticate", "Negotiate YIIZ3c" + secret + "==", "Negotiate " + Mark},
		{"proxy-authenticate", "NTLM TlRMTVNTUAACAAAA" + secret, "NTLM " + Mark},
		{"www-authenticate", "Negotiate, Basic realm=\"x\"", "Negotiate, Basic realm=\"x\""},
		{"www-authenticate", `Digest realm="x", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", qop="auth"`, `Digest realm="x", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", qop="auth"`},
		{"x-upstream", "token " + secret, "token " + Mark},
		{"x-upstream", "token expired", "token expired"},
		{"x-command", "git --password " + secret + " fetch", "git --password " + Mark + " fetch"},
		{"x-body", `{"password":"` + secret + `"}`, `{"password":"` + Mark + `"}`},
		{"x-proxy", "user:" + secret + "@proxy.example:3128", Mark + "@proxy.example:3128"},
		{"x-public-certificate-count", "3", "3"},
	} {
		if got := redactHeader(r, hpack.HeaderField{Name: tt.name, Value: tt.value}); got != tt.want {
			t.Errorf("%s: %s: got %q, want %q", tt.name, tt.value, got, tt.want)
		}
	}
	if got := r.Name("x-" + tokens["github"]); got != "x-"+Mark {
		t.Errorf("got the name %q", got)
	}
}

func TestPlantedArguments(t *testing.T) {
	const secret = "S3cr3t V4lue"
	r := New()
	for _, tt := range []struct{ flag, arg, want string }{
		{"-c", "http.extraHeader=Authorization: Basic " + secret, "http.extraHeader=Authorization: " + Mark},
		{"-c", "http.extraheader=X-Any: " + secret, "http.extraheader=X-Any: " + Mark},
		{"-c", "http.https://h.example/.extraHeader=AUTHORIZATION: bearer " + secret, "http.https://h.example/.extraHeader=AUTHORIZATION: " + Mark},
		{"-c", "http.extraHeader=" + secret, "http.extraHeader=" + Mark},
		{"-c", "http.extraHeader=", ""},
		{"-c", "core.askPass=echo " + secret, "core.askPass=" + Mark},
		{"-c", "log.showSignature=false", ""},
		{"", "--password=" + secret, "--password=" + Mark},
		{"--password", secret, Mark},
		{"-token", secret, Mark},
		{"--password", "--verbose", ""},
		{"--show-secrets", "go", ""},
		{"--password=x", "go", ""},
		{"-u", "user:" + secret, Mark},
		{"-u", "1000:1000", ""},
		{"-u", "origin", ""},
		{"-H", "X-Api-Key:" + secret, "X-Api-Key:" + Mark},
		{"", "X-Api-Key: " + secret, "X-Api-Key: " + Mark},
		{"", "user:S3cr3t@h.example:p/q.git", Mark + "@h.example:p/q.git"},
		{"", "git@github.com:p/q.git", ""},
		{"", "", ""},
		{"", "https://h.example/?token=S3cr3t&a=b", "https://h.example/?token=" + Mark + "&a=b"},
		{"", "golang.org/x/net@v0.30.0", ""},
		{"-ldflags", "-X main.token=S3cr3t -s", "-X main.token=" + Mark + " -s"},
	} {
		out, found := r.Argument(tt.flag, tt.arg)
		if got := string(out); found != (tt.want != "") || got != tt.want {
			t.Errorf("%s %s: got %q, %v, want %q", tt.flag, tt.arg, got, found, tt.want)
		}
	}
}
