package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// bodies returns the captured payloads of the DATA frames of each stream, and whether
// there were any body keys at all.
func bodies(t testing.TB, s *contract.Stream, limit int) (byStream map[uint32]string, any bool) {
	t.Helper()
	byStream = make(map[uint32]string)
	for _, e := range s.Of("frame") {
		if e.Type != "DATA" || e.Dir != "recv" {
			continue
		}
		var v struct {
			Body  *string `json:"body"`
			Bytes []byte  `json:"body_b64"`
		}
		if err := json.Unmarshal([]byte(e.Raw), &v); err != nil {
			t.Fatal(err)
		}
		any = any || v.Body != nil || v.Bytes != nil
		body := string(v.Bytes)
		if v.Body != nil {
			body = *v.Body
		} else if utf8.ValidString(body) && body != "" {
			t.Errorf("text as base64: %.200s", e.Raw)
		}
		if want := min(limit, int(e.DataLength)); len(body) != want {
			t.Errorf("%d bytes of a body, want %d: %.200s", len(body), want, e.Raw)
		}
		byStream[e.Stream] += body
	}
	return byStream, any
}

// TestBodies compares captured bodies with the bodies sent.
func TestBodies(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	sent := map[string]string{"/text": textBody, "/binary": binaryBody, "/short": "/short"}
	run := func(t *testing.T, flags ...string) *contract.Stream {
		args := append(flags, fetch.path(t), s.url+"/text", s.url+"/binary", s.url+"/short")
		return invoke(t, invocation{args: args, env: s.env}).stream(t)
	}
	t.Run("whole", func(t *testing.T) {
		st := run(t, "-s", "1000000")
		got, _ := bodies(t, st, 1000000)
		request := make(map[uint32]string)
		for _, e := range st.Of("frame") {
			for _, h := range e.Headers {
				if h.Name == ":path" {
					request[e.Stream] = h.Value
				}
			}
		}
		for stream, path := range request {
			if got[stream] != sent[path] {
				t.Errorf("%s: %d bytes captured, other than the %d that were sent", path, len(got[stream]), len(sent[path]))
			}
		}
		if len(request) != len(sent) {
			t.Errorf("requests %v", request)
		}
	})
	t.Run("beginnings", func(t *testing.T) {
		got, _ := bodies(t, run(t, "-s", "5"), 5)
		// "Gr\u00fc" ends within a character after 4 bytes, and after 5 does not.
		for stream, body := range got {
			if !strings.HasPrefix(textBody, body[:5]) && !strings.HasPrefix(binaryBody, body[:5]) && body != "/shor" {
				t.Errorf("stream %d: %q", stream, body)
			}
		}
		if len(got) != 3 {
			t.Errorf("%d streams", len(got))
		}
	})
	t.Run("none", func(t *testing.T) {
		if _, any := bodies(t, run(t), 0); any {
			t.Error("bodies without -s")
		}
	})
}

// TestSecrets sends a request full of secrets, and receives some.
func TestSecrets(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	request := []string{
		fetch.path(t), "Authorization:Bearer client-secret-1", "Cookie:id=client-secret-2", "X-Api-Key:client-secret-3", "X-Plain:visible-1",
		s.url + "/secrets?token=client-secret-4&X-Amz-Signature=client-secret-5&page=visible-2",
	}
	secrets := []string{
		"client-secret-1", "client-secret-2", "client-secret-3", "client-secret-4", "client-secret-5",
		"server-secret-1", "server-secret-2", "server-secret-3",
	}
	for _, show := range []bool{false, true} {
		args := request
		if show {
			args = append([]string{"--show-secrets"}, args...)
		}
		r := invoke(t, invocation{args: args, env: s.env})
		r.stream(t)
		for _, secret := range secrets {
			if strings.Contains(r.stdout, secret) != show {
				t.Errorf("--show-secrets is %t, and %s is there: %t", show, secret, !show)
			}
		}
		for _, plain := range []string{"visible-1", "visible-2", "goproxy.example", `"name":"authorization"`} {
			if !strings.Contains(r.stdout, plain) {
				t.Errorf("--show-secrets is %t, and %s is missing", show, plain)
			}
		}
		if strings.Contains(r.stdout, "<redacted>") == show {
			t.Errorf("--show-secrets is %t; <redacted> says otherwise", show)
		}
	}
}

// TestEventFilter prints only some kinds of events.
func TestEventFilter(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	tests := []struct{ list, want string }{
		{"frame=HEADERS+WINDOW_UPDATE", "HEADERS WINDOW_UPDATE summary"},
		{"frame=SETTINGS,conn", "SETTINGS conn summary"},
		{"process", "process summary"},
		{"loss", "summary"},
		{"conn,process", "conn process summary"},
	}
	for _, tt := range tests {
		t.Run(tt.list, func(t *testing.T) {
			st := invoke(t, invocation{args: []string{"-e", tt.list, fetch.path(t), s.url + "/text"}, env: s.env}).stream(t)
			var kinds []string
			for _, e := range st.Events {
				kind := e.Event
				if kind == "frame" {
					kind = e.Type
				}
				if !slices.Contains(kinds, kind) {
					kinds = append(kinds, kind)
				}
			}
			slices.Sort(kinds)
			if got := strings.Join(kinds, " "); got != tt.want {
				t.Errorf("printed %s, want %s", got, tt.want)
			}
			if *st.Summary.Frames < 8 {
				t.Errorf("the summary counts only %d frames: %s", *st.Summary.Frames, st.Summary.Raw)
			}
		})
	}
}
