package tls_test

import (
	"bytes"
	gotls "crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"h2trace/decoder"
)

// patience bounds every wait for a peer.
const patience = 20 * time.Second

// need skips a test where a program is missing.
func need(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip(err)
	}
}

// await waits until done.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no sign of: %s", what)
		}
	}
}

// keyPair writes a certificate and its key as openssl reads them.
func keyPair(t testing.TB, cert gotls.Certificate) (path string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	b = append(b, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	path = filepath.Join(t.TempDir(), "pair.pem")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openssl starts the program. Its options of all programs may be set by a configuration.
func openssl(t testing.TB, options string, args ...string) *endpoint {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "openssl.cnf")
	text := "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = default\n[default]\n" + options + "\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &endpoint{}
	cmd := exec.Command("openssl", args...)
	cmd.Env = append(os.Environ(), "OPENSSL_CONF="+conf)
	cmd.Stdout, cmd.Stderr = &e.out, &e.log
	var err error
	if e.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("openssl %q:\n%.3000s\n%.1000s", args, dataLine.ReplaceAllString(e.out.String(), ""), &e.log)
		}
	})
	return e
}

var dataLine = regexp.MustCompile(`(?m)^# .*\n`)

var accepts = regexp.MustCompile(`ACCEPT .*:(\d+)\n`)

// serveOpenSSL starts s_server, and returns it with its address.
func serveOpenSSL(t testing.TB, options string, args ...string) (*endpoint, string) {
	t.Helper()
	pair := keyPair(t, certificate(t))
	e := openssl(t, options, append([]string{"s_server", "-accept", "127.0.0.1:0", "-cert", pair, "-key", pair, "-alpn", "h2"}, args...)...)
	await(t, "s_server to listen", func() bool { return accepts.MatchString(e.out.String()) })
	return e, net.JoinHostPort("127.0.0.1", accepts.FindStringSubmatch(e.out.String())[1])
}

// dialOpenSSL starts s_client, whose secrets go to the returned path.
func dialOpenSSL(t testing.TB, options, to string, args ...string) (e *endpoint, keys string) {
	t.Helper()
	keys = filepath.Join(t.TempDir(), "keys")
	args = append([]string{"s_client", "-connect", to, "-servername", "goproxy.example", "-alpn", "h2", "-keylogfile", keys}, args...)
	return openssl(t, options, args...), keys
}

// step is what an endpoint is given: a line, a block of lines or a command.
type step struct {
	dir  decoder.Direction // Send is of the client
	text string
	size int // of a block; 0 for a line
}

// commands of s_client and s_server have one letter.
func (s step) command() bool { return len(s.text) == 1 }

// data returns the bytes to send. A block has numbers after its name, so that each part
// differs and none begins with the letter of a command.
func (s step) data() []byte {
	b := []byte(s.text)
	for i := 0; len(b) < s.size; i++ {
		b = fmt.Appendf(b, " %09d", 100*s.size+i)
	}
	return append(b, '\n')
}

// perform has two endpoints take steps, each when the one before has arrived. It
// returns the application data by direction.
func perform(t testing.TB, r *relay, ends [2]*endpoint, steps []step) (said [2][]byte) {
	t.Helper()
	for _, s := range steps {
		before := r.sent(s.dir)
		if s.command() {
			if _, err := ends[s.dir].in.Write([]byte(s.text + "\n")); err != nil {
				t.Fatal(err)
			}
			await(t, s.text, func() bool { return r.sent(s.dir) > before })
			continue
		}
		data := s.data()
		if _, err := ends[s.dir].in.Write(data); err != nil {
			t.Fatal(err)
		}
		said[s.dir] = append(said[s.dir], data...)
		await(t, s.text, func() bool { return strings.Contains(ends[s.dir^1].out.String(), string(data)) })
	}
	return said
}

// finish closes the client, and returns the recorded conversation.
func finish(t testing.TB, r *relay, client *endpoint, keys []byte, said [2][]byte) *conversation {
	t.Helper()
	client.in.Close()
	r.open.Wait()
	return &conversation{segments: r.last(), secrets: parseLog(t, bytes.NewReader(keys)), said: said}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checkLog looks for what a program says of a connection.
func checkLog(t *testing.T, log string, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(log, text) {
			t.Errorf("openssl does not say %q", text)
		}
	}
}

// facts are what is to be found of a handshake.
type facts struct {
	version, suite uint16
	resumed        bool
}

// check compares what a Conn finds with what the peers say, with what it finds of the
// same bytes in other pieces, and with what it finds where some are missing.
func (f facts) check(t *testing.T, conv *conversation) {
	t.Helper()
	want := run(conv, 1<<20, 0)
	if got := (facts{want.info.Version, want.info.Suite, want.info.Resumed}); got != f || want.info.ALPN != "h2" {
		t.Errorf("got %+v and ALPN %q, want %+v", got, want.info.ALPN, f)
	}
	for d := range conv.said {
		if !bytes.Equal(want.said[d], conv.said[d]) {
			t.Errorf("%s: got %d bytes, want %d; %q", decoder.Direction(d), len(want.said[d]), len(conv.said[d]), want.lines)
		}
	}
	if t.Failed() {
		return
	}
	rng := mathrand.New(mathrand.NewPCG(7, 8))
	checkPieces(t, conv, rng)
	// After the loss of a renegotiation, nothing opens.
	if got := checkLosses(t, conv, rng, 200); got < 0.8 {
		t.Errorf("with a loss, the last %.2f of the data are not found on average", 1-got)
	}
}
