package redact

import (
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

func redactHeader(r *Redactor, h hpack.HeaderField) string {
	value, clean := r.Header(&h)
	if clean != nil {
		return string(clean)
	}
	return value
}

func TestRedactHeader(t *testing.T) {
	const secret = "s3cr3t"
	tests := []struct{ name, value, want string }{
		{"authorization", secret, Mark},
		{"Authorization", secret, Mark},
		{"proxy-authorization", secret, Mark},
		{"cookie", "a=b; " + secret, Mark},
		{"set-cookie", secret, Mark},
		{"x-api-key", secret, Mark},
		{"apikey", secret, Mark},
		{"x-goog-iam-authorization-token", secret, Mark},
		{"x-goog-api-key", secret, Mark},
		{"x-amz-security-token", secret, Mark},
		{"x-auth-token", secret, Mark},
		{"x-auth", secret, Mark},
		{"private-token", secret, Mark},
		{"job-token", secret, Mark},
		{"x-gitlab-token", secret, Mark},
		{"x-vault-token", secret, Mark},
		{"x-csrf-token", secret, Mark},
		{"x-authtoken", secret, Mark},
		{"x-github-otp", secret, Mark},
		{"x-registry-auth", secret, Mark},
		{"x-registry-config", secret, Mark},
		{"ocp-apim-subscription-key", secret, Mark},
		{"x-functions-key", secret, Mark},
		{"x-amzn-oidc-data", secret, Mark},
		{"cf-access-jwt-assertion", secret, Mark},
		{"x-client-secret", secret, Mark},
		{"x-wsse", secret, Mark},
		{"dpop", secret, Mark},
		{"x-password", secret, Mark},
		{"authorization", "", ""},

		{"x-upstream", "Bearer " + secret, "Bearer " + Mark},
		{"x-upstream", "BASIC  " + secret, "BASIC  " + Mark},
		{"x-upstream", "Bearer ", "Bearer "},
		{"www-authenticate", `Bearer realm="https://auth.example/token",service="r"`, `Bearer realm="https://auth.example/token",service="r"`},
		{":authority", "user:" + secret + "@proxy.example:443", Mark + "@proxy.example:443"},
		{":authority", "proxy.example", "proxy.example"},
		{"referer", "https://" + secret + "@proxy.example/", "https://" + Mark + "@proxy.example/"},

		{"content-type", "text/html; charset=utf-8", "text/html; charset=utf-8"},
		{"idempotency-key", "42", "42"},
		{"surrogate-key", "go", "go"},
		{"etag", `W/"abc=="`, `W/"abc=="`},
		{"cache-control", "public, max-age=31536000", "public, max-age=31536000"},
		{"from", "someone@mail.example", "someone@mail.example"},
		{"alt-svc", `h3=":443"; ma=2592000`, `h3=":443"; ma=2592000`},
		{"author", "x", "x"},
		{"x-passwordless", "x", "x"},
		{"x-passwordless-token", secret, Mark},
		{"accept", "*/*;q=0.8", "*/*;q=0.8"},
	}
	r := New()
	for range 2 { // the second time from the cache
		for _, tt := range tests {
			if got := redactHeader(r, hpack.HeaderField{Name: tt.name, Value: tt.value}); got != tt.want {
				t.Errorf("%s: %s: got %q, want %q", tt.name, tt.value, got, tt.want)
			}
		}
	}
}

func TestRedactNeverIndexed(t *testing.T) {
	r := New()
	tests := []struct{ name, value, want string }{
		{"x-shoe-size", "44", Mark},
		{":path", "/list?a=b", "/list?a=b"},
	}
	for _, tt := range tests {
		got := redactHeader(r, hpack.HeaderField{Name: tt.name, Value: tt.value, Sensitive: true})
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestRedactText(t *testing.T) {
	const s = "s3cr3t"
	tests := []struct{ name, in, want string }{
		{"nothing", "/github.com/foo/bar/@v/v1.0.0.zip", ""},
		{"module version behind a double slash", "/proxy//foo@v1.0.0/list", ""},
		{"harmless query", "/a?go-get=1&page=2", ""},
		{"empty value", "/a?token=&b=1", ""},
		{"token", "/a?token=" + s + "&b=1", "/a?token=" + Mark + "&b=1"},
		{"two", "/a?token=" + s + "&b=1&sig=" + s, "/a?token=" + Mark + "&b=1&sig=" + Mark},
		{"camel case", "/a?accessToken=" + s, "/a?accessToken=" + Mark},
		{"key", "/a?api_key=" + s, "/a?api_key=" + Mark},
		{"brackets", "/a?user[password]=" + s, "/a?user[password]=" + Mark},
		{
			"aws", "/o?X-Amz-Credential=" + s + "&X-Amz-Date=1&X-Amz-Signature=" + s,
			"/o?X-Amz-Credential=" + Mark + "&X-Amz-Date=1&X-Amz-Signature=" + Mark,
		},
		{"azure", "/o?sv=2020&sig=ab%2F" + s + "%3D&se=1", "/o?sv=2020&sig=" + Mark + "&se=1"},
		{"base64 value", "/o?key=ab/+" + s + "==&x=1", "/o?key=" + Mark + "&x=1"},
		{"value with separators of lists", "/o?password=a;b,c'" + s, "/o?password=" + Mark},
		{"fragment", "https://a.example/#access_token=" + s + "&x=1", "https://a.example/#access_token=" + Mark + "&x=1"},
		{"authorization code", "/cb?code=" + s + "&state=1", "/cb?code=" + Mark + "&state=1"},
		{"encoded name", "/a?%74oken=" + s, "/a?%74oken=" + Mark},
		{"encoded name and sign", "/a?%74oke%6E%3D" + s, "/a?%74oke%6E%3D" + Mark},
		{"name encoded twice", "/a?%2574oken=" + s, "/a?%2574oken=" + Mark},
		{"encoded ampersand stays in the value", "/a?password=x%26" + s + "&b=1", "/a?password=" + Mark + "&b=1"},
		{"nested url", "/a?next=%2Fcb%3Ftoken%3D" + s + "%26x%3D1&b=1", "/a?next=%2Fcb%3Ftoken%3D" + Mark + "%26x%3D1&b=1"},
		{"nested twice", "/a?n=%252Fcb%253Ftoken%253D" + s + "%2526x%253D1", "/a?n=%252Fcb%253Ftoken%253D" + Mark + "%2526x%253D1"},
		{"broken escape", "/a?x=%zz&token=" + s + "%", "/a?x=%zz&token=" + Mark},
		{"matrix parameter", "/a;token=" + s, "/a;token=" + Mark},
		{"no question mark", "token=" + s, "token=" + Mark},
		{"user and password", "https://u:" + s + "@h.example/p", "https://" + Mark + "@h.example/p"},
		{"token as user", "https://" + s + "@h.example/p", "https://" + Mark + "@h.example/p"},
		{"at sign in the password", "https://u:a@" + s + "@h.example/p", "https://" + Mark + "@h.example/p"},
		{"encoded slash in the password", "https://u:a%2F" + s + "@h.example/p", "https://" + Mark + "@h.example/p"},
		{"no scheme", "//u:" + s + "@h.example/p", "//" + Mark + "@h.example/p"},
		{"too many slashes", "https:///u:" + s + "@h.example/p", "https:///" + Mark + "@h.example/p"},
		{"backslashes", `https:\\u:` + s + `@h.example/p`, `https:\\` + Mark + `@h.example/p`},
		{"encoded url", "/a?u=https%3A%2F%2Fu%3A" + s + "%40h.example%2F&b=1", "/a?u=https%3A%2F%2F" + Mark + "%40h.example%2F&b=1"},
		{"at sign of the path", "https://h.example/x@v1", ""},
		{"both", "https://u:p@h.example/?key=" + s, "https://" + Mark + "@h.example/?key=" + Mark},
		{"link", "<https://h.example/?token=" + s + `>; rel="next"`, "<https://h.example/?token=" + Mark + `>; rel="next"`},
		{"angle brackets in a value", "/a?token=<" + s + ">" + s, "/a?token=" + Mark},
		{"quoted url", `realm="https://h.example/?token=` + s + `",service="r"`, `realm="https://h.example/?token=` + Mark + `",service="r"`},
		{
			"quoted value", `token="a b ` + s + `", other="https://h.example/?sig=` + s + `", x=1`,
			`token="` + Mark + `", other="https://h.example/?sig=` + Mark + `", x=1`,
		},
		{"quotes in a quoted value", `"a?token=b?sig="` + s + `", x`, `"a?token=` + Mark + `", x`},
		{"quote in a value", `/a?token=a"` + s, "/a?token=" + Mark},
		{"refresh", "5; url=https://h.example/?token=" + s, "5; url=https://h.example/?token=" + Mark},
		{"message", "bad request GET /a?token=" + s + " HTTP/2", "bad request GET /a?token=" + Mark + " HTTP/2"},
		{"space before the value", "token= " + s, "token= " + Mark},
		{"configuration of git", "log.showsignature=false", ""},
		{"configuration of git, by any value", "log.showSignature=always", ""},
		{"a switch", "credential.useHttpPath=true&token=" + s, "credential.useHttpPath=true&token=" + Mark},
		{"a switch that is a part of a value", "token=false" + s, "token=" + Mark},
		{"an ordinary word", "/a?monkey=1&secretary=x&obsession=y", ""},
		{"an ordinary word beside another", "/a?monkey_token=" + s + "&secretarykey=" + s, "/a?monkey_token=" + Mark + "&secretarykey=" + Mark},
		{"not utf-8", "/\xff?token=" + s + "\xfe&b=\xff", "/\xff?token=" + Mark + "&b=\xff"},
	}
	r := New()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, found := r.Text(tt.in)
			if got := string(out); found != (tt.want != "") || found && got != tt.want {
				t.Errorf("got %q, %v, want %q", got, found, tt.want)
			}
		})
	}
}

// commonPrefix returns how far a and b agree before the first redaction.
func commonPrefix(a, b string) int {
	end := strings.Index(b, Mark)
	for i := range end {
		if i >= len(a) || a[i] != b[i] {
			return i
		}
	}
	return max(end, 0)
}

func TestRedactAllocates(t *testing.T) {
	r := New()
	fields := []hpack.HeaderField{{Name: "authorization", Value: "Bearer s3cr3t"}, {Name: "x-upstream", Value: "Bearer s3cr3t"}}
	for _, value := range harmless {
		fields = append(fields, hpack.HeaderField{Name: "x-value", Value: value})
	}
	if n := testing.AllocsPerRun(100, func() {
		for i := range fields {
			r.Header(&fields[i])
		}
	}); n != 0 {
		t.Errorf("got %v allocations for ordinary headers, want 0", n)
	}
}

// TestSecretNamesBounded checks that a peer that invents names does not fill the memory.
func TestSecretNamesBounded(t *testing.T) {
	n := newNames()
	for i := range 10 * maxKnownNames {
		name := strings.Repeat("a", i%maxKnownName) + string(rune('a'+i%26)) + strings.Repeat("b", i/100)
		n.header(name)
		n.param([]byte(name))
	}
	if len(n.headers) > maxKnownNames || len(n.params) > maxKnownNames {
		t.Errorf("got %d and %d names, want at most %d", len(n.headers), len(n.params), maxKnownNames)
	}
}
