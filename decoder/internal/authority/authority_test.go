package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// TestIssued has leaves below each public root, with an intermediate certificate and
// without, and below a root of a company.
func TestIssued(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// issue makes a certificate that names an issuer.
	issue := func(name pkix.Name, issuer *x509.Certificate) []byte {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name, IsCA: true, BasicConstraintsValid: true}
		if issuer == nil {
			issuer = template
		}
		der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	parsed := func(der []byte) *x509.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	leaf := pkix.Name{CommonName: "goproxy.example"}
	count := 0
	for root := range bundle.Roots() {
		c := parsed(root.Certificate)
		named := &x509.Certificate{RawSubject: c.RawSubject, Subject: c.Subject}
		middle := issue(pkix.Name{CommonName: "Intermediate", Organization: []string{"Example"}}, named)
		if !Issued([][]byte{issue(leaf, named)}) || !Issued([][]byte{issue(leaf, parsed(middle)), middle}) {
			t.Errorf("%s is taken for no public root", c.Subject)
		}
		count++
	}
	if count < 50 {
		t.Errorf("only %d roots", count)
	}
	own := issue(pkix.Name{CommonName: "Inspection CA", Organization: []string{"Example Inc."}}, nil)
	for name, chain := range map[string][][]byte{
		"a company": {issue(leaf, parsed(own)), own},
		"itself":    {issue(leaf, nil)},
		"nobody":    nil,
		"malformed": {[]byte("\x30\x03abc")},
	} {
		if Issued(chain) {
			t.Errorf("%s is taken for a public root", name)
		}
	}
}
