package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// harEntry is what nghttp and h2trace both say in an archive.
type harEntry struct {
	Request struct {
		Method, URL, HTTPVersion string
		Headers                  []harField
	}
	Response struct {
		Status      int
		HTTPVersion string
		Headers     []harField
		Content     struct {
			Size     int64
			MimeType string
		}
	}
}

type harField struct{ Name, Value string }

// harTimes are the times of an entry.
type harTimes struct {
	Started time.Time `json:"startedDateTime"`
	Time    float64   // milliseconds
}

func (h harTimes) end() time.Time { return h.Started.Add(time.Duration(h.Time * 1e6)) }

// TestConvertHAR records what nghttp fetches, and compares the archive of that with the one that
// nghttp writes itself: the requests, the responses, and that they went over the wire while nghttp
// was at them.
func TestConvertHAR(t *testing.T) {
	t.Parallel()
	needProbes(t)
	needPrograms(t, "nghttp", "node")
	server := plainServer(t)
	body := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(body, bytes.Repeat([]byte("0123456789"), 3000), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"GET":  {server + "/size", server + "/empty", server + "/moved?a=1&b=%20", server + "/missing", server + "/slow"},
		"POST": {"-d", body, "-H", "content-type: text/x", server + "/echo"},
	} {
		t.Run(name, func(t *testing.T) {
			theirs := filepath.Join(t.TempDir(), "nghttp.har")
			tr := startTracing(t, command{flags: []string{"-s", "100000"}, args: append([]string{"nghttp", "-n", "--har=" + theirs}, args...)})
			tr.good()
			ours := convert(t, "har", tr.events)
			validateHAR(t, ours)
			compareHAR(t, theirs, ours)
			if t.Failed() {
				b, _ := os.ReadFile(tr.events) // says when each frame came
				t.Logf("h2trace saw:\n%s", indent(string(b)))
			}
			if name == "POST" {
				checkEchoed(t, ours, string(bytes.Repeat([]byte("0123456789"), 3000)))
			}
		})
	}
}

// TestConvertOdd converts exchanges of which little is known, and with names made to break what
// reads them. Both formats are read without a complaint.
func TestConvertOdd(t *testing.T) {
	t.Parallel()
	needPrograms(t, "node")
	var lines strings.Builder
	urls := []string{
		`null`, `"proxy.example:443"`, `"https://[fe80::1%25eth0]:443/a b\u0001<>#c"`, `"*"`, `"/only/path"`,
		`"https://x.example/?\ud800&=&%zz"`, "\"https://x.example/\xff\"", `"https://</script><img src=x>/"`,
	}
	for i, url := range urls {
		fmt.Fprintf(&lines, `{"v":1,"ts":"2026-01-01T00:00:0%d.000000000Z","event":"exchange","pid":%d,"comm":"\u202e\u0007</pre>","conn":"c\"%d",`+
			`"stream":%d,"method":null,"url":%s,"status":null,"protocol":null,"request_bytes":null,"response_bytes":null,"send_ms":null,`+
			`"wait_ms":null,"receive_ms":1.500,"error":{"class":"reset","detail":"\u0000"}}`+"\n", i, i-1, i, i, url)
	}
	events := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(events, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	har := convert(t, "har", events)
	validateHAR(t, har)
	if n := len(readHAR[harTimes](t, har)); n != len(urls) {
		t.Errorf("%d entries, want %d", n, len(urls))
	}
	exchanges := 0
	for _, s := range openTrace(t, convert(t, "trace", events)).Slices {
		if s.Category == "exchange" {
			exchanges++
		}
	}
	if exchanges != len(urls) {
		t.Errorf("%d exchanges in the trace, want %d", exchanges, len(urls))
	}
}

// plainServer starts a server of HTTP/2 without TLS, and returns its URL.
func plainServer(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/size", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-test")
		_, _ = w.Write(make([]byte, 150_000)) // the client notices
	})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/size", http.StatusFound) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(50 * time.Millisecond) // a time that both have to measure
		_, _ = io.WriteString(w, "slow")
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.Copy(w, r.Body)
	})
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// validateHAR has the HAR schema accept an archive.
func validateHAR(t *testing.T, file string) {
	t.Helper()
	const program = `require(process.argv[1]).har(JSON.parse(require('fs').readFileSync(process.argv[2])))
		.then(() => console.log('valid'), e => console.log(e.message, JSON.stringify(e.errors)))`
	out, err := exec.Command("node", "-e", program, npmModule(t, "har-validator"), file).CombinedOutput()
	if err != nil || string(out) != "valid\n" {
		t.Errorf("har-validator: %v\n%s", err, indent(string(out)))
	}
}

// readHAR returns the entries of an archive, each as T.
func readHAR[T any](t *testing.T, file string) []T {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var archive struct{ Log struct{ Entries []T } }
	if err := json.Unmarshal(b, &archive); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return archive.Log.Entries
}

// compareHAR compares two archives of the same requests.
func compareHAR(t *testing.T, theirs, ours string) {
	t.Helper()
	want, got := readHAR[harEntry](t, theirs), readHAR[harEntry](t, ours)
	wantTimes, gotTimes := readHAR[harTimes](t, theirs), readHAR[harTimes](t, ours)
	if len(want) != len(got) || len(got) == 0 {
		t.Fatalf("%d entries, and %d of nghttp", len(got), len(want))
	}
	for i, w := range want {
		k := slices.IndexFunc(got, func(g harEntry) bool { return g.Request.URL == w.Request.URL })
		if k < 0 {
			t.Errorf("no entry of %s", w.Request.URL)
			continue
		}
		if diff := cmp.Diff(w, got[k]); diff != "" {
			t.Errorf("-nghttp +h2trace:\n%s", diff)
		}
		// Packets go after nghttp has made a request, and come before it has read a response. It
		// writes whole milliseconds.
		const rounding = 2 * time.Millisecond
		its, here := wantTimes[i], gotTimes[k]
		if here.Started.Before(its.Started.Add(-rounding)) || here.end().After(its.end().Add(rounding)) {
			t.Errorf("%s from %s to %s, in nghttp from %s to %s", w.Request.URL, here.Started, here.end(), its.Started, its.end())
		}
		if strings.HasSuffix(w.Request.URL, "/slow") && here.Time < 50 {
			t.Errorf("%s took %v ms", w.Request.URL, here.Time)
		}
	}
}

// checkEchoed demands the body in request and response.
func checkEchoed(t *testing.T, file, body string) {
	t.Helper()
	type entry struct {
		Request struct {
			BodySize int
			PostData struct{ MimeType, Text string }
		}
		Response struct {
			BodySize int
			Content  struct{ Text string }
		}
		ServerIPAddress string
		PID             int `json:"_pid"`
	}
	for _, e := range readHAR[entry](t, file) {
		if e.Request.PostData.Text != body || e.Response.Content.Text != body {
			t.Errorf("bodies of %d and %d bytes, want %d", len(e.Request.PostData.Text), len(e.Response.Content.Text), len(body))
		}
		got := fmt.Sprint(e.Request.BodySize, e.Response.BodySize, e.Request.PostData.MimeType, e.ServerIPAddress, e.PID > 1)
		if want := fmt.Sprint(len(body), len(body), "text/x", "127.0.0.1", true); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
