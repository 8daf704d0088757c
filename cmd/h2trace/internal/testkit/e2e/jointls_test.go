package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/scripts/goreleases"
)

// suiteClient sends requests over one connection at a time, with one cipher suite: as many
// as each line of its stdin says. At "close" it closes the connection.
const suiteClient = `package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	_ "unsafe"
)

//go:linkname suites crypto/tls.defaultCipherSuitesTLS13
var suites []uint16

//go:linkname suitesNoAES crypto/tls.defaultCipherSuitesTLS13NoAES
var suitesNoAES []uint16

func main() {
	n, err := strconv.ParseUint(os.Args[2], 0, 16)
	check(err)
	suite, size := []uint16{uint16(n)}, 0
	config := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: suite}
	if suite[0] < 0x1400 {
		suites, suitesNoAES, config.MaxVersion = suite, suite, tls.VersionTLS13
	}
	transport := &http.Transport{TLSClientConfig: config}
	client := &http.Client{Transport: transport}
	fmt.Println(os.Getpid())
	done := 0
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if in.Text() == "close" {
			transport.CloseIdleConnections()
			continue
		}
		_, err := fmt.Sscan(in.Text(), &n, &size)
		check(err)
		for ; n > 0; n-- {
			done++
			body := strings.NewReader(strings.Repeat("x", size))
			resp, err := client.Post(fmt.Sprintf("%s/%d", os.Args[1], done), "text/plain", body)
			check(err)
			got, err := io.Copy(io.Discard, resp.Body)
			check(err)
			if resp.Body.Close(); got != int64(size) {
				log.Fatal("got ", got)
			}
		}
		fmt.Println("done")
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`

// buildSuiteClient builds that client with a release.
func buildSuiteClient(t *testing.T, release string) (file string) {
	t.Helper()
	toolchain(t, release)
	file = filepath.Join(t.TempDir(), "suites")
	buildProgram(t, suiteClient, "package main\n", release, file, false, []string{"CGO_ENABLED=0"})
	return file
}

// suited is a running client.
type suited struct {
	*program
	sent int
}

func startSuited(t *testing.T, file, url string, suite uint16) *suited {
	t.Helper()
	return &suited{program: startFile(t, file, os.Environ(), url, strconv.Itoa(int(suite)))}
}

// send has it send n requests with bodies of some size, and awaits their responses.
func (c *suited) send(n, size int) {
	c.t.Helper()
	c.begin(n, size)
	c.await()
}

func (c *suited) begin(n, size int) {
	c.t.Helper()
	c.sent += n
	c.say(fmt.Sprintf("%d %d", n, size))
}

func (c *suited) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.stdin, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *suited) await() {
	c.t.Helper()
	if line, err := c.stdout.ReadString('\n'); line != "done\n" {
		c.t.Fatalf("got %q (%v)", line, err)
	}
}

// echoServer is a server that nobody observes. It sends back what it gets.
func echoServer(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has ended in the middle of it
		}
		_, _ = w.Write(b)
	}))
	t.Cleanup(srv.Close)
	return srv
}

// joinSuites are what the client is joined with.
var joinSuites = []uint16{
	tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// TestJoinSuites attaches to clients whose connection has been at work, and is idle: each
// later request is printed. Then the client closes it, and opens another one at the same
// descriptor.
func TestJoinSuites(t *testing.T) {
	needProbes(t)
	srv := echoServer(t)
	for _, release := range goreleases.Few {
		t.Run(release, func(t *testing.T) {
			file := buildSuiteClient(t, release)
			for _, suite := range joinSuites {
				t.Run(tls.CipherSuiteName(suite), func(t *testing.T) {
					c := startSuited(t, file, srv.URL, suite)
					c.send(20, 100)
					tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(c.pid)}})
					tr.awaitEvent(`"action":"attached"`, 1)
					c.send(5, 100)
					c.say("close")
					c.send(5, 100)
					c.end()
					checkSuited(t, tr.good(), tr, 21, 30, 100, suite)
				})
			}
		})
	}
}

// checkSuited requires the exchanges from one number to another, on two connections: one
// from before, and one from its start.
func checkSuited(t *testing.T, r *result, tr *tracing, from, to int, size int64, suite uint16) {
	t.Helper()
	wantSound(t, r.stream)
	next := from
	for _, e := range readExchanges(t, tr.events) {
		if !strings.HasSuffix(e.URL, "/"+strconv.Itoa(next)) || e.Status != http.StatusOK {
			t.Errorf("got %s with status %d, want request %d", e.URL, e.Status, next)
		}
		if e.RequestBytes == nil || e.ResponseBytes == nil || *e.RequestBytes != size || *e.ResponseBytes != size {
			t.Errorf("%s has other bodies than %d bytes", e.URL, size)
		}
		next++
	}
	if next != to+1 {
		t.Errorf("%d exchanges from number %d on, want %d", next-from, from, to+1-from)
	}
	conns := r.stream.Conns()
	if len(conns) != 2 {
		t.Fatalf("%d connections, want 2", len(conns))
	}
	cipher := `"cipher":"` + tls.CipherSuiteName(suite) + `"`
	for i, c := range conns {
		joined := []string{`"joined":"mid"`, `"joined":"start"`}[i]
		if c.Close == nil || !strings.Contains(c.Open.Raw, joined) || ofPackets() && !strings.Contains(c.Close.Raw, cipher) {
			t.Errorf("want %s and %s: %s", joined, cipher, c.Open.Raw)
		}
	}
}

// TestJoinBusy attaches to a client while it sends and receives bulk data. From the first
// request on that is printed, each one is.
func TestJoinBusy(t *testing.T) {
	needProbes(t)
	srv := echoServer(t)
	file := buildSuiteClient(t, goreleases.Few[len(goreleases.Few)-1])
	for _, suite := range joinSuites {
		t.Run(tls.CipherSuiteName(suite), func(t *testing.T) {
			const size = 300_000
			c := startSuited(t, file, srv.URL, suite)
			c.send(10, size)
			c.begin(1<<20, size) // until it is ended
			tr := startTracing(t, command{flags: []string{"--buffer", roomy, "-p", strconv.Itoa(c.pid)}})
			tr.awaitEvent(`"event":"exchange"`, 10)
			r := tr.interrupt()
			_ = c.cmd.Process.Kill()
			if err := checkSummary(r.stream); err != nil {
				t.Error(err)
			}
			checkConsecutive(t, tr, size)
		})
	}
}

// checkConsecutive requires exchanges without a gap, after one or two of which only a part
// was seen. Of the last one only a part may be.
func checkConsecutive(t *testing.T, tr *tracing, size int64) {
	t.Helper()
	list := readExchanges(t, tr.events)
	whole := list[min(2, len(list)):max(2, len(list)-1)]
	if len(whole) < 3 || whole[0].URL == "" {
		t.Fatalf("%d exchanges: %+v", len(list), list)
	}
	slash := strings.LastIndexByte(whole[0].URL, '/')
	first, _ := strconv.Atoi(whole[0].URL[slash+1:])
	for i, e := range whole {
		if want := whole[0].URL[:slash+1] + strconv.Itoa(first+i); e.URL != want || e.Status != http.StatusOK {
			t.Errorf("got %s with status %d, want %s", e.URL, e.Status, want)
		}
		if e.RequestBytes == nil || e.ResponseBytes == nil || *e.RequestBytes != size || *e.ResponseBytes != size {
			t.Errorf("%s has other bodies than %d bytes", e.URL, size)
		}
	}
}

// TestJoinUpdated attaches to a client after both ends have changed their keys (RFC 8446
// §4.6.3).
func TestJoinUpdated(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	cert, key := a.ServerFiles(t)
	addr := net.JoinHostPort("127.0.0.1", freePort(t))
	cmd := exec.Command("openssl", "s_server", "-accept", addr, "-cert", cert, "-key", key, "-tls1_3")
	in, out := child.Start(t, cmd)
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var said strings.Builder
	until := func(text string) {
		for b := make([]byte, 1); !strings.HasSuffix(said.String(), text); said.Write(b) {
			if _, err := out.Read(b); err != nil {
				t.Fatalf("%v: openssl did not say %q but %q", err, text, said.String())
			}
		}
	}
	say := func(text string) {
		if _, err := io.WriteString(in, text); err != nil {
			t.Fatal(err)
		}
	}
	until("ACCEPT")
	const size = 100
	c := startSuited(t, buildSuiteClient(t, goreleases.Few[len(goreleases.Few)-1]), "https://"+addr, tls.TLS_AES_128_GCM_SHA256)
	answer := func() {
		c.begin(1, size)
		until("POST /" + strconv.Itoa(c.sent))
		until(strings.Repeat("x", size))
		say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("y", size)))
		c.await()
	}
	answer()
	for range 3 {
		say("K\n") // update, and request one
		answer()
	}
	tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(c.pid)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	answer()
	say("K\n")
	answer()
	answer()
	c.end()
	tr.good()
	var got []string
	for _, e := range readExchanges(t, tr.events) {
		got = append(got, strings.TrimPrefix(e.URL, "https://"+addr))
	}
	if want := "/5 /6 /7"; strings.Join(got, " ") != want {
		t.Errorf("got the requests %v, want %s", got, want)
	}
}
