// Package authority knows the public certificate authorities: those whose roots the trust
// store of NSS has, as golang.org/x/crypto/x509roots holds it.
package authority

import (
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"h2trace/decoder/tls/handshake"
)

// roots holds the subjects of the roots, as handshake.Names has them. That takes some
// milliseconds, and only where a certificate is seen.
var roots = sync.OnceValue(func() map[string]bool {
	names := make(map[string]bool)
	for root := range bundle.Roots() {
		if n, err := handshake.ParseNames(root.Certificate); err == nil && n.Subject != "" {
			names[n.Subject] = true
		}
	}
	return names
})

// Issued reports whether a chain of certificates, in DER, says that it ends at a public
// root. It does not verify that: the client does.
func Issued(chain [][]byte) bool {
	for _, cert := range chain {
		if n, err := handshake.ParseNames(cert); err == nil && roots()[n.Issuer] {
			return true
		}
	}
	return false
}
