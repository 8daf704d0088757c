package handshake

import "golang.org/x/crypto/cryptobyte"

// extension is an ExtensionType (RFC 8446 §4.2).
type extension uint16

const (
	extServerName           extension = 0      // RFC 6066 §3
	extALPN                 extension = 16     // RFC 7301 §3.1
	extEncryptThenMAC       extension = 22     // RFC 7366 §2
	extExtendedMasterSecret extension = 23     // RFC 7627 §5.1
	extSessionTicket        extension = 35     // RFC 5077 §3.2
	extPreSharedKey         extension = 41     // RFC 8446 §4.2.11
	extEarlyData            extension = 42     // RFC 8446 §4.2.10
	extSupportedVersions    extension = 43     // RFC 8446 §4.2.1
	extQUIC                 extension = 57     // quic_transport_parameters, RFC 9001 §8.2
	extECH                  extension = 0xfe0d // RFC 9849 §5
)

var extensionNames = map[extension]string{
	extServerName:        "server_name",
	extALPN:              "application_layer_protocol_negotiation",
	extPreSharedKey:      "pre_shared_key",
	extEarlyData:         "early_data",
	extSupportedVersions: "supported_versions",
}

// readers read the data of the extensions that a parser knows. Each reports
// whether it is well formed.
type readers map[extension]func(*cryptobyte.String) bool

// read reads the extensions at the end of a message, once. It returns the first
// error, and reads the extensions after it.
func (r readers) read(t MessageType, s cryptobyte.String) error {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return malformed(t, "extensions")
	}
	var first error
	note := func(field string) {
		if first == nil {
			first = malformed(t, field)
		}
	}
	if !s.Empty() {
		note("extensions")
	}
	for !list.Empty() {
		var x uint16
		var data cryptobyte.String
		if !list.ReadUint16(&x) || !list.ReadUint16LengthPrefixed(&data) {
			note("extensions")
			break
		}
		read, known := r[extension(x)]
		switch {
		case !known:
		case read == nil: // it occurs twice, against RFC 8446 §4.2
			note("extensions")
		default:
			if !read(&data) || !data.Empty() {
				note(extensionNames[extension(x)])
			}
			r[extension(x)] = nil
		}
	}
	return first
}

// present returns the reader of an extension whose presence alone matters.
func present(p *bool) func(*cryptobyte.String) bool {
	return func(s *cryptobyte.String) bool {
		*p, *s = true, nil
		return true
	}
}

// selectedALPN returns the reader of a server's answer, a list of one protocol
// (RFC 7301 §3.1).
func selectedALPN(p *string) func(*cryptobyte.String) bool {
	return func(s *cryptobyte.String) bool {
		var list, name cryptobyte.String
		ok := s.ReadUint16LengthPrefixed(&list) && list.ReadUint8LengthPrefixed(&name)
		*p = string(name)
		return ok && len(name) > 0 && list.Empty()
	}
}

// readALPN reads a ProtocolNameList.
func readALPN(s *cryptobyte.String, to *[]string) bool {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) || list.Empty() {
		return false
	}
	for !list.Empty() {
		var name cryptobyte.String
		if !list.ReadUint8LengthPrefixed(&name) || name.Empty() {
			return false
		}
		*to = append(*to, string(name))
	}
	return true
}
