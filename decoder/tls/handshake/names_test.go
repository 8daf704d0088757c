package handshake

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// namesOf returns what crypto/x509 reads.
func namesOf(c *x509.Certificate) Names {
	n := Names{
		Issuer: printable(c.Issuer.String()), Subject: printable(c.Subject.String()),
		NotBefore: c.NotBefore, NotAfter: c.NotAfter,
	}
	if c.Version == 3 { // crypto/x509 ignores the extensions of others
		n.DNSNames = len(c.DNSNames)
	}
	return n
}

// agreeOnNames demands that ParseNames reads what crypto/x509 reads, if that accepts
// the certificate. It reports whether it does.
func agreeOnNames(t testing.TB, der []byte) bool {
	t.Helper()
	got, parseErr := ParseNames(der)
	c, err := x509.ParseCertificate(der)
	if err != nil || len(c.Issuer.Names) > maxAttributes || len(c.Subject.Names) > maxAttributes {
		return false
	}
	if parseErr != nil {
		t.Errorf("crypto/x509 accepts what is %v\n%x", parseErr, der)
	}
	if c.Version != 3 {
		got.DNSNames = 0
	}
	if diff := cmp.Diff(namesOf(c), got); diff != "" {
		t.Errorf("-crypto/x509 +got:\n%s\n%x", diff, der)
	}
	return true
}

func TestNames(t *testing.T) {
	for _, der := range newIdentity(t).cert.Certificate {
		if !agreeOnNames(t, der) {
			t.Errorf("crypto/x509 refuses %x", der)
		}
		for n := range der {
			if _, err := ParseNames(der[:n]); err == nil {
				t.Fatalf("the first %d of %d bytes are a certificate", n, len(der))
			}
		}
	}
}

// TestNamesMutations compares certificates that are nearly right.
func TestNamesMutations(t *testing.T) {
	rng := newRand()
	certs := newIdentity(t).cert.Certificate
	accepted := 0
	const rounds = 3000
	for range rounds {
		der := append([]byte{}, certs[rng.IntN(len(certs))]...)
		der[rng.IntN(len(der))] = byte(rng.Uint32())
		if agreeOnNames(t, der) {
			accepted++
		}
	}
	t.Logf("crypto/x509 accepts %d of %d", accepted, rounds)
}

// TestOddCertificates reads what crypto/x509 refuses.
func TestOddCertificates(t *testing.T) {
	sound := newIdentity(t).cert.Certificate[0]
	c, err := x509.ParseCertificate(sound)
	if err != nil {
		t.Fatal(err)
	}
	want := namesOf(c)
	issuer := want
	issuer.Issuer = strings.Replace(issuer.Issuer, "C=DE", `C=\1BE`, 1)
	for _, tt := range []struct {
		name, from, to string // bytes of the certificate
		want           Names
	}{
		{"negative serial number", "\xa0\x03\x02\x01\x02\x02\x01\x02", "\xa0\x03\x02\x01\x02\x02\x01\x82", want},
		{"unknown version", "\xa0\x03\x02\x01\x02", "\xa0\x03\x02\x01\x09", want},
		{"not a PrintableString", "\x13\x02DE", "\x13\x02\x1bE", issuer},
		{"malformed key", "\x2a\x86\x48\xce\x3d\x03\x01\x07", "\x2a\x86\x48\xce\x3d\x03\x01\x00", want},
		{"trailing bytes", string(sound), string(sound) + "x", want},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := strings.Replace(string(sound), tt.from, tt.to, 1)
			if b == string(sound) {
				t.Fatalf("%q is not in the certificate", tt.from)
			}
			if _, err := x509.ParseCertificate([]byte(b)); err == nil {
				t.Error("crypto/x509 accepts it")
			}
			if diff := cmp.Diff(tt.want, must[Names](t)(ParseNames([]byte(b)))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
