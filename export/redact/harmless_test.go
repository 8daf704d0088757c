package redact

import (
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// harmless are texts as module downloads, proxies and servers have them: none has a secret.
var harmless = []string{
	"/golang.org/x/net/@v/list",
	"/golang.org/x/net/@v/v0.0.0-20240101000000-abcdef123456.zip",
	"/github.com/!azure/azure-sdk-for-go/sdk/azidentity/@v/v1.8.0.mod",
	"/github.com/golang-jwt/jwt/v5/@v/v5.2.1.info",
	"/github.com/gorilla/sessions/@v/v1.4.0.zip",
	"/github.com/org/token/v4beta2/@v/v4.0.0-beta.2.info",
	"/cloud.google.com/go/secretmanager/@v/v1.14.2.mod",
	"/github.com/hashicorp/vault/api/auth/userpass/@v/list",
	"/sumdb/sum.example/tile/8/0/x123/456.p/12",
	"/sumdb/sum.example/tile/8/data/x001/234",
	"/sumdb/sum.example/lookup/golang.org/x/text@v0.3.0",
	"/foo//bar@v1.0.0", "/proxy/https:/github.com/foo/@v/list", "/v2/app/manifests/sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	"/token/refresh", "/session/list", "/oauth/token", "/api/tokens/12345678",
	"golang.org/x/net@v0.30.0", "golang.org/x/net@latest", "example.com:8443/m@v1.2.3",
	"golang.org/x/text v0.3.0 h1:g61tztE5qeGQ89tm6NTjjM9VPIm088od1l6aSorWRWg=",
	"golang.org/x/text v0.3.0/go.mod h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ=",
	"h1:eyJsvzOHVJGQx8m2bVt6Mqn9T6rYkxRrC2Sg6hBZLe0=",
	"x-goproxy: 1", "registry.example/app:1.2@sha256:0123456789abcdef", "localhost:5000/app:v1@sha256:0123",
	"git@github.com:org/repo.git", "ssh://git@github.com/org/repo", "mailto:someone@mail.example", "someone@mail.example", "npm:left-pad@1.3.0",
	`W/"0815abc-5f2c3d4e5f6a7"`, `"4a1b-5f2c3d4e5f6a7"`, "Mon, 30 Nov 2026 18:53:39 GMT", "12:30:45.123456", "2026-11-30T18:53:39.123456789Z",
	"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Root=1-67891233-abcdef012345678912345678",
	"HIT, HIT", "cache-fra-eddf8230020-FRA, cache-muc13955-MUC", "S1732992819.123456,VS0,VE12", "1.1 varnish, 1.1 google",
	"a5f9c3e1d2b4a6f8091a2b3c4d5e6f7081920a1b", "0b9ba5a2-0aa5-4b3e-9d4c-1df3a07f7b1e", "8f2e1d3c4b5a6978-FRA",
	"XQ8bQ4mXcD0xYzZ1aB2c/9dE8fG7hI6jK5lM4nO3p/aB1cD2eF3gH4iJ5kL6mN/7oP8qR9sT0uV1wX2yZ3aB",
	"max-age=31536000; includeSubDomains; preload", `h3=":443"; ma=2592000,h3-29=":443"; ma=2592000`, "text/html; charset=utf-8", "gzip, deflate, br;q=0.9",
	"default-src 'none'; style-src 'unsafe-inline'; sandbox", "public, max-age=10800", "bytes 0-1023/2048", "crc32c=AAAAAA==, md5=1B2M2Y8AsgTpgAmY7PhCfg==",
	`<https://goproxy.example/mod>; rel="canonical"`, "cfRay;desc=\"8f2e\", cfExtPri;dur=1.5",
	"go: golang.org/x/net@v0.30.0: reading https://goproxy.example/golang.org/x/net/@v/v0.30.0.mod: 404 Not Found",
	"go: cloud.google.com/go/secretmanager: module cloud.google.com/go/secretmanager: Get \"https://goproxy.example/\": dial tcp 127.0.0.1:443: connect: connection refused",
	"verifying golang.org/x/net@v0.30.0: checksum mismatch\n\tdownloaded: h1:AcW1SDZMkb8IpzCdQUaIq2sP4sZ4zw+55h6ynffypl4=\n\tgo.sum:     h1:BcW1SDZMkb8IpzCdQUaIq2sP4sZ4zw+55h6ynffypl4=",
	"fatal: could not read Username for 'https://github.com': terminal prompts disabled", "remote: HTTP Basic: Access denied",
	"fatal: could not read Password for 'https://github.com': terminal prompts disabled",
	"creating perf_uprobe PMU: token /proc/self/fd/9:0x18c66f: opening perf event: permission denied",
	"invalid token: expired", "token bucket", "auth: 401 Unauthorized", "session: closed", "key: not found", "missing key: sha256", "auth.go:123:45: undefined: x",
	"lookup auth.example.com on 10.0.0.2:53: no such host", "dial tcp: lookup token.example: i/o timeout", "secret.example:443",
	"Basic authentication failed", "Bearer token is missing", `Bearer realm="https://auth.example/token",service="registry",scope="repository:a:pull"`, "Negotiate, NTLM",
	"tls: failed to verify certificate: x509: certificate signed by unknown authority", "x509: certificate is valid for a.example, not b.example",
	"git -c log.showsignature=false log --no-decorate -n1 --format=format:%H %ct %D 0b9ba5a20aa5 --", "git ls-remote -q --end-of-options origin", "--show-secrets go mod download",
	"credential.useHttpPath=true", "/home/me/go/pkg/mod/cache/download/golang.org/x/net/@v/v0.30.0.lock", "/opt/go/bin/go",
	"too_many_pings", "graceful_stop", "max_age", "session timed out", "server: session ended", "sk-learn/sk-image-of-the-module-2", "/task-runner-of-the-whole-world-2024/@v/list",
	"Go-http-client/2.0", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)", "curl/8.5.0", "grpc-go/1.64.0", "1S", "-bin", "Azure-Blob/1.0",
	"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
	"/usr/lib/git-core/git-remote-https origin https://github.com/org/repo", "TLS_AES_128_GCM_SHA256", "CN=R11,O=Let's Encrypt,C=US", "go1.25.3", "PUSH BP",
	`--label "here" is not KEY=VALUE; run 'h2trace help' for usage`, "session secrets go to secrets: who has it can decrypt what the targets send and receive",
}

func TestHarmless(t *testing.T) {
	r := New()
	for _, text := range harmless {
		if out, found := r.Text(text); found {
			t.Errorf("%q became %q", text, out)
		}
		if out, found := r.Argument("", text); found {
			t.Errorf("argument %q became %q", text, out)
		}
		if got := redactHeader(r, hpack.HeaderField{Name: "x-any", Value: text}); got != text && !strings.HasPrefix(text, "Be") && !strings.HasPrefix(text, "Ba") && !strings.HasPrefix(text, "Ne") {
			t.Errorf("header %q became %q", text, got)
		}
	}
	for _, name := range []string{
		"etag", "x-request-id", "x-amz-request-id", "x-amz-id-2", "x-amz-cf-id", "traceparent", "tracestate", "cf-ray", "x-cache", "x-served-by",
		"x-timer", "x-goog-hash", "x-goog-generation", "x-guploader-uploadid", "x-correlation-id", "x-github-request-id", "x-ms-request-id", "x-fastly-request-id",
		"x-cloud-trace-context", "x-amzn-trace-id", "via", "nel", "report-to", "content-security-policy", "x-robots-tag", "docker-content-digest", "content-md5", "digest", "server-timing", "x-gitlab-meta",
	} {
		for _, value := range []string{"aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV", "0b9ba5a2-0aa5-4b3e-9d4c-1df3a07f7b1e", "hits:1:2", "sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="} {
			if got := redactHeader(r, hpack.HeaderField{Name: name, Value: value}); got != value {
				t.Errorf("%s: %s became %q", name, value, got)
			}
		}
	}
}
