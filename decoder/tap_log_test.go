package decoder_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// framesOnly prints one line for each frame.
type framesOnly struct{ printer }

func (framesOnly) Frame(f *decoder.Frame) { fmt.Println(line(f)) }

func line(f *decoder.Frame) string {
	verb := map[decoder.Direction]string{decoder.Send: "wrote", decoder.Recv: "read"}[f.Dir]
	return fmt.Sprintf("%s %v %s stream=%d len=%d", verb, f.Type, strings.Join(f.Flags.Names(f.Type), "|"), f.StreamID, f.Length)
}

// The environment of the client that TestTapLog runs.
const tapURL, tapRoot = "H2TRACE_TAP_URL", "H2TRACE_TAP_ROOT"

// TestTapClient is that client.
func TestTapClient(t *testing.T) {
	url := os.Getenv(tapURL)
	if url == "" {
		return
	}
	root, _ := pem.Decode([]byte(os.Getenv(tapRoot)))
	cert, err := x509.ParseCertificate(root.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AddCert(cert)
	client := &http.Client{Transport: newTransport(config, framesOnly{})}
	for _, path := range []string{"/small", "/large", "/missing"} {
		response, err := client.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	client.CloseIdleConnections()
}

// TestTapLog compares the frames that the tap of the example sees with those that net/http
// itself logs, by direction. The last ones that the server sends may come after the client
// has closed the connection: what only one of the two has is the end of a list.
func TestTapLog(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/small", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello\n") })
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("large\n", 1<<18))
	})
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()

	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTapClient$")
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	cmd.Env = append(os.Environ(), "GODEBUG=http2debug=2", tapURL+"="+server.URL, tapRoot+"="+string(root))
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, log.String())
	}
	logged := regexp.MustCompile(`Framer \w+: (wrote|read) (\w+) (?:flags=(\S+) )?(?:stream=(\d+) )?len=(\d+)`)
	var want []string
	for _, m := range logged.FindAllStringSubmatch(log.String(), -1) {
		want = append(want, fmt.Sprintf("%s %s %s stream=%s len=%s", m[1], m[2], m[3], max(m[4], "0"), m[5]))
	}
	got := strings.Split(string(out), "\n")
	for _, verb := range []string{"wrote ", "read "} {
		other := func(line string) bool { return !strings.HasPrefix(line, verb) }
		want, got := slices.DeleteFunc(slices.Clone(want), other), slices.DeleteFunc(slices.Clone(got), other)
		if n := min(len(want), len(got)); n < 8 || max(len(want), len(got)) > n+2 {
			t.Errorf("net/http logs %d frames that it %s, the tap sees %d", len(want), verb, len(got))
		} else if diff := cmp.Diff(want[:n], got[:n]); diff != "" {
			t.Errorf("-net/http +tap:\n%s", diff)
		}
	}
}

var _ decoder.Sink = framesOnly{}

// Resync makes the test fail: nothing is lost here.
func (framesOnly) Resync(ktime.Time, decoder.Direction, int64) { fmt.Println("read RESYNC") }
