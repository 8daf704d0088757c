package handshake

// The versions of TLS that a hello without supported_versions can offer, newest
// first.
var versions = [...]uint16{0x0304, 0x0303, 0x0302, 0x0301}

// versionsUpTo returns the versions up to a legacy_version, newest first.
func versionsUpTo(legacy uint16) []uint16 {
	var up []uint16
	for _, v := range versions {
		if v <= legacy {
			up = append(up, v)
		}
	}
	return up
}

// isGREASE reports whether v is a value that clients send to find servers that
// reject unknown ones (RFC 8701 §2).
func isGREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }
