package handshake

import (
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"

	der "golang.org/x/crypto/cryptobyte/asn1"
)

// text decodes a DirectoryString (RFC 5280 §4.1.2.4). Bytes that its type does not
// allow become U+FFFD.
func text(tag der.Tag, b []byte) string {
	switch tag {
	case der.T61String: // decoded as Latin-1, as crypto/x509 does
		var s strings.Builder
		for _, c := range b {
			s.WriteRune(rune(c))
		}
		return s.String()
	case der.Tag(asn1.TagBMPString):
		var units []uint16
		for ; len(b) >= 2; b = b[2:] {
			units = append(units, binary.BigEndian.Uint16(b))
		}
		if n := len(units); n > 0 && units[n-1] == 0 { // a terminator
			units = units[:n-1]
		}
		return string(utf16.Decode(units))
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

// printable replaces each character that does not print by its bytes in UTF-8, as
// `\0A` (RFC 4514 §2.4).
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	var p strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			p.WriteRune(r)
			continue
		}
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&p, `\%02X`, c)
		}
	}
	return p.String()
}
