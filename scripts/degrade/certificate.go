package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"time"
)

// identity is who the proxy says it is.
type identity struct {
	authority string // its name
	fault     string // untrusted, expired, name, or none
}

func (i *identity) valid() bool {
	return slices.Contains([]string{"", "untrusted", "expired", "name"}, i.fault)
}

// create creates a certificate for name. It also returns that of the authority that the
// command trusts, in PEM.
func (i *identity) create(name string) (tls.Certificate, []byte, error) {
	until := time.Now().Add(7 * 24 * time.Hour)
	switch i.fault {
	case "expired":
		until = time.Now().Add(-time.Minute)
	case "name":
		name = "other." + name
	}
	certificate, trusted, err := i.issue(name, until)
	if err == nil && i.fault == "untrusted" {
		_, trusted, err = i.issue(name, until)
	}
	return certificate, trusted, err
}

// issue creates an authority, and a certificate of it. It also returns the certificate of
// the authority, in PEM.
func (i *identity) issue(name string, until time.Time) (tls.Certificate, []byte, error) {
	var none tls.Certificate
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, nil, err
	}
	authority := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: i.authority},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(7 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	if err != nil {
		return none, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    authority.NotBefore,
		NotAfter:     until,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, authorityKey)
	if err != nil {
		return none, nil, err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authorityDER})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, block, nil
}
