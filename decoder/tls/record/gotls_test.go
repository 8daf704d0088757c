package record

import (
	"bytes"
	"crypto/tls"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Every suite that crypto/tls negotiates for TLS 1.2, except RC4.
func TestGoTLS12(t *testing.T) {
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if suite.SupportedVersions[len(suite.SupportedVersions)-1] != tls.VersionTLS12 {
			continue
		}
		t.Run(suite.Name, func(t *testing.T) {
			if strings.Contains(suite.Name, "RC4") {
				if _, ok := SuiteByID(suite.ID); ok {
					t.Error("RC4 is known, and not tested here")
				}
				return
			}
			c := converse(t, config(tls.VersionTLS12, suite.ID))
			if c.suite != suite.ID {
				t.Fatalf("negotiated %v", tls.CipherSuiteName(c.suite))
			}
			if known, _ := SuiteByID(c.suite); known.String() != suite.Name {
				t.Errorf("name is %v, want %v", known, suite.Name)
			}
			c.check(t, true)
			c.check(t, false)
		})
	}
}

// TLS 1.3 between crypto/tls endpoints. They prefer AES-128-GCM where the CPU
// has AES and ChaCha20-Poly1305 where not, and never choose AES-256-GCM.
func TestGoTLS13(t *testing.T) {
	c := converse(t, config(tls.VersionTLS13))
	if os.Getenv(noAES) != "" && c.suite != tls.TLS_CHACHA20_POLY1305_SHA256 {
		t.Errorf("negotiated %v without AES", tls.CipherSuiteName(c.suite))
	}
	t.Log(tls.CipherSuiteName(c.suite))
	c.check(t, true)
	c.check(t, false)
}

const noAES = "RECORD_TEST_WITHOUT_AES"

// TestGoTLS13 once more, in a process that is told that the CPU has no AES.
func TestGoTLS13ChaCha(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestGoTLS13$", "-test.v")
	cmd.Env = append(os.Environ(), noAES+"=1", "GODEBUG=cpu.aes=off,cpu.pclmulqdq=off,cpu.pmull=off")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("TLS_CHACHA20_POLY1305_SHA256")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// The secrets of another connection open nothing.
func TestGoTLSOtherSecret(t *testing.T) {
	one, other := converse(t, config(tls.VersionTLS13)), converse(t, config(tls.VersionTLS13))
	r := other.readers(t, true)[1]
	for i, record := range records(t, one.client.Bytes()) {
		got, _, err := r.Open(nil, record)
		if got != nil || !errors.Is(err, ErrNotOpened) {
			t.Errorf("record %d: got %d bytes, error %v", i, len(got), err)
		}
	}
}

// check opens one direction, and compares the records of application data with
// what was written.
func (c *conversation) check(t *testing.T, fromClient bool) {
	t.Helper()
	stream, seed := c.server.Bytes(), 128
	if fromClient {
		stream, seed = c.client.Bytes(), 0
	}
	readers := c.readers(t, fromClient)
	protected, writes, types := false, 0, make(map[ContentType]int)
	for i, record := range records(t, stream) {
		typ := ContentType(record[0])
		if typ == ChangeCipherSpec {
			protected = true
			continue
		}
		if !protected && typ != ApplicationData {
			continue
		}
		content, typ, err := readers[0].Open(nil, record)
		if err != nil && len(readers) > 1 {
			readers = readers[1:]
			content, typ, err = readers[0].Open(nil, record)
		}
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		types[typ]++
		if typ != ApplicationData {
			continue
		}
		if writes == len(sizes) {
			t.Fatalf("record %d: more application data than was written", i)
		}
		if want := pattern(sizes[writes], byte(writes+seed)); !bytes.Equal(content, want) {
			t.Errorf("record %d: got %d bytes, want %d", i, len(content), len(want))
		}
		if got := len(record) - len(content); got > readers[0].Overhead() ||
			got < readers[0].Overhead() && readers[0].Suite().info.mac == 0 {
			t.Errorf("record %d: overhead %d, want %d", i, got, readers[0].Overhead())
		}
		writes++
	}
	if writes != len(sizes) || types[Handshake] == 0 || types[Alert] == 0 {
		t.Errorf("got %d of %d writes, records %v", writes, len(sizes), types)
	}
}
