package handshake

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// countDNSNames returns the number of dNSNames (RFC 5280 §4.2.1.6) in what comes after
// the subject of a certificate.
func countDNSNames(s cryptobyte.String) (n int) {
	for names := alternativeNames(s); !names.Empty(); {
		var name cryptobyte.String
		var tag der.Tag
		if !names.ReadAnyASN1(&name, &tag) {
			break
		}
		if tag == der.Tag(2).ContextSpecific() {
			n++
		}
	}
	return n
}

// alternativeNames returns the first subjectAltName, or nothing.
func alternativeNames(s cryptobyte.String) (names cryptobyte.String) {
	wrapper := der.Tag(3).Constructed().ContextSpecific()
	for !s.Empty() && !s.PeekASN1Tag(wrapper) {
		var tag der.Tag
		if !s.ReadAnyASN1Element(new(cryptobyte.String), &tag) {
			return nil
		}
	}
	var list cryptobyte.String
	if !s.ReadASN1(&list, wrapper) || !list.ReadASN1(&list, der.SEQUENCE) {
		return nil
	}
	for !list.Empty() {
		var extension, value cryptobyte.String
		var id asn1.ObjectIdentifier
		if !list.ReadASN1(&extension, der.SEQUENCE) {
			return nil
		}
		if extension.ReadASN1ObjectIdentifier(&id) && id.Equal(subjectAltName) &&
			extension.SkipOptionalASN1(der.BOOLEAN) && extension.ReadASN1(&value, der.OCTET_STRING) {
			value.ReadASN1(&names, der.SEQUENCE)
			return names
		}
	}
	return nil
}
