package handshake

import "golang.org/x/crypto/cryptobyte"

// ParseCertificate12 returns the leaf of a Certificate of TLS 1.2 (RFC 5246 §7.4.2), in
// DER. It is part of body. It is nil when the sender has no certificate. The rest of
// the chain is not examined.
func ParseCertificate12(body []byte) (leaf []byte, err error) {
	s := cryptobyte.String(body)
	return readLeaf(&s)
}

// ParseCertificate13 returns the leaf of a Certificate of TLS 1.3 (RFC 8446 §4.4.2), as
// ParseCertificate12 does.
func ParseCertificate13(body []byte) (leaf []byte, err error) {
	s := cryptobyte.String(body)
	var context cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&context) {
		return nil, malformed(TypeCertificate, "certificate_request_context")
	}
	return readLeaf(&s)
}

// readLeaf reads the first certificate of a certificate_list.
func readLeaf(s *cryptobyte.String) ([]byte, error) {
	var list, leaf cryptobyte.String
	switch {
	case !s.ReadUint24LengthPrefixed(&list) || !s.Empty():
		return nil, malformed(TypeCertificate, "certificate_list")
	case list.Empty():
		return nil, nil
	case !list.ReadUint24LengthPrefixed(&leaf) || leaf.Empty():
		return nil, malformed(TypeCertificate, "cert_data")
	}
	return leaf, nil
}

// maxChain bounds the certificates that ParseChain returns; crypto/tls sends all that it has.
const maxChain = 16

// ParseChain returns the certificates of a Certificate message, the leaf first. It ends
// before one that is malformed.
func ParseChain(body []byte, is13 bool) (chain [][]byte) {
	s := cryptobyte.String(body)
	var context, list cryptobyte.String
	if is13 && !s.ReadUint8LengthPrefixed(&context) || !s.ReadUint24LengthPrefixed(&list) {
		return nil
	}
	for !list.Empty() && len(chain) < maxChain {
		var cert, extensions cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&cert) || cert.Empty() || is13 && !list.ReadUint16LengthPrefixed(&extensions) {
			return chain
		}
		chain = append(chain, cert)
	}
	return chain
}
