package redact

import (
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// FuzzRedact plants a secret in arbitrary text, after each prefix that announces one, and
// searches the output for it.
func FuzzRedact(f *testing.F) {
	f.Add("/a?b=c&", "&d=e")
	f.Add(`<"`, `">`)
	f.Add("%", "%2")
	f.Add("x=%253D%25", "@h")
	f.Add("https://a@b/%2F%2F", "%40")
	f.Add(`token="`, `"`)
	f.Add(`"token=`, `"x`)
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "S3CR3Tvalue"
		if strings.Contains(before+after, secret) || strings.Contains(before, "<redacted") {
			return
		}
		r := New()
		for _, plant := range []string{
			"?token=" + secret, "&api%5fkey=" + secret, "?%2573ig=" + secret, "#access_token=" + secret,
			"?u=%2Fcb%3Fpassword%3D" + secret, " https://user:" + secret + "@h.example/",
			"?u=https%3A%2F%2Fuser%3A" + secret + "%40h.example/", `?signature="` + secret + `"`,
			" password: " + secret + " ", "\n{\"password\":\"" + secret + "\"} ", " --password " + secret + " ",
			" user:" + secret + "@h.example ", " Bearer " + secret + " ",
		} {
			in := before + plant + after
			out, found := r.Text(in)
			if !found || strings.Contains(string(out), secret) {
				t.Errorf("%q is not redacted: %q", in, out)
			}
			if !strings.HasPrefix(string(out), in[:commonPrefix(in, string(out))]+Mark) {
				t.Errorf("%q: %q does not begin as it did", in, out)
			}
		}
		for _, name := range []string{before + "authorization" + after, before + "token" + after} {
			if got := redactHeader(r, hpack.HeaderField{Name: name, Value: secret}); got != Mark {
				t.Errorf("header %q: got %q", name, got)
			}
		}
	})
}

// FuzzTokens plants tokens of the shapes that are in no other word in arbitrary text.
func FuzzTokens(f *testing.F) {
	f.Add("/a/", "/b")
	f.Add("eyJ", ".eyJ")
	f.Add("AKI", "A")
	f.Add("user:", "@host")
	f.Add("token=", "")
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, kind := range []string{"github", "github fine", "gitlab", "aws", "google", "slack", "json web", "artifactory"} {
			token := tokens[kind]
			in := before + token + after
			if strings.Count(in, token) > 1 {
				continue
			}
			if got := String(in); strings.Contains(got, token) {
				t.Errorf("%s: %q became %q", kind, in, got)
			}
		}
	})
}

// FuzzText checks what holds for any text: no more than four bytes for one, and nothing new if it
// is searched again.
func FuzzText(f *testing.F) {
	for _, tt := range planted {
		f.Add(strings.ReplaceAll(tt.in, "X", "S3cr3tV4lue"))
	}
	for _, text := range harmless {
		f.Add(text)
	}
	f.Add("<redacted>:x@h<redacted>=<redacted")
	f.Fuzz(func(t *testing.T, s string) {
		once := String(s)
		if len(once) > 4*len(s)+16 {
			t.Errorf("%q became %d bytes", s, len(once))
		}
		if twice := String(once); twice != once {
			t.Errorf("%q became %q, and then %q", s, once, twice)
		}
		r := New()
		if out, found := r.Argument("", s); found {
			clean := string(out)
			if again, found := r.Argument("", clean); found && string(again) != clean {
				t.Errorf("argument %q became %q, and then %q", s, clean, again)
			}
		}
	})
}

// FuzzRedactHarmless checks that text which announces no secret stays as it is.
func FuzzRedactHarmless(f *testing.F) {
	for _, text := range harmless {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) < MinShape && !strings.ContainsAny(s, "=@%:/ \\") {
			if got := String(s); got != s {
				t.Errorf("%q became %q", s, got)
			}
		}
		r := New()
		if out, found := r.Text(s); found && !strings.Contains(string(out), Mark) {
			t.Errorf("%q became %q without saying so", s, out)
		}
		if out, found := r.Text(s); !found && out != nil {
			t.Errorf("%q: got %q, and nothing found", s, out)
		}
	})
}
