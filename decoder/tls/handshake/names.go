package handshake

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"time"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// Names is what an X.509 certificate (RFC 5280 §4.1) says about who it is from and for.
type Names struct {
	// Issuer and Subject are as pkix.Name prints them, with characters that do not
	// print escaped (RFC 4514 §2.4).
	Issuer, Subject string
	DNSNames        int // in subjectAltName
	// NotBefore and NotAfter are zero when they are malformed.
	NotBefore, NotAfter time.Time
}

// maxAttributes bounds the attributes of a name that are printed, as printing n takes
// pkix n² time. Certificates have some five.
const maxAttributes = 64

// ParseNames reads the names of a certificate in DER. It reads what crypto/x509
// refuses, too: an interceptor may make odd certificates. With an error it returns
// the fields that it could read.
func ParseNames(leaf []byte) (Names, error) {
	var n Names
	s := cryptobyte.String(leaf)
	var cert, tbs, issuer, validity, subject cryptobyte.String
	version := der.Tag(0).Constructed().ContextSpecific()
	switch {
	case !s.ReadASN1(&cert, der.SEQUENCE):
		return n, malformedX509("Certificate")
	case !cert.ReadASN1(&tbs, der.SEQUENCE), !tbs.SkipOptionalASN1(version):
		return n, malformedX509("tbsCertificate")
	case !tbs.SkipASN1(der.INTEGER):
		return n, malformedX509("serialNumber")
	case !tbs.SkipASN1(der.SEQUENCE):
		return n, malformedX509("signature")
	case !tbs.ReadASN1(&issuer, der.SEQUENCE):
		return n, malformedX509("issuer")
	}
	n.Issuer = printName(issuer)
	if !tbs.ReadASN1(&validity, der.SEQUENCE) {
		return n, malformedX509("validity")
	}
	n.NotBefore, n.NotAfter = readTime(&validity), readTime(&validity)
	if !tbs.ReadASN1(&subject, der.SEQUENCE) {
		return n, malformedX509("subject")
	}
	n.Subject = printName(subject)
	n.DNSNames = countDNSNames(tbs)
	return n, nil
}

func malformedX509(field string) error {
	return &Error{Message: "x509 certificate", Field: field}
}

// printName prints the attributes of an RDNSequence that are well formed.
func printName(s cryptobyte.String) string {
	var name pkix.Name
	var rdns pkix.RDNSequence
	for count := 0; !s.Empty() && count < maxAttributes; {
		var set cryptobyte.String
		if !s.ReadASN1(&set, der.SET) {
			break
		}
		var rdn pkix.RelativeDistinguishedNameSET
		for ; !set.Empty() && count < maxAttributes; count++ {
			var attribute, value cryptobyte.String
			var kind asn1.ObjectIdentifier
			var tag der.Tag
			if !set.ReadASN1(&attribute, der.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&kind) ||
				!attribute.ReadAnyASN1(&value, &tag) {
				break
			}
			rdn = append(rdn, pkix.AttributeTypeAndValue{Type: kind, Value: text(tag, value)})
		}
		if len(rdn) > 0 {
			rdns = append(rdns, rdn)
		}
	}
	name.FillFromRDNSequence(&rdns)
	return printable(name.String())
}

// readTime reads a Time (RFC 5280 §4.1.2.5).
func readTime(s *cryptobyte.String) (t time.Time) {
	if s.PeekASN1Tag(der.UTCTime) {
		s.ReadASN1UTCTime(&t)
	} else {
		s.ReadASN1GeneralizedTime(&t)
	}
	return t
}
