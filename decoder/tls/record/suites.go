package record

import (
	"crypto"
	_ "crypto/sha1"   // the MAC of CBC suites
	_ "crypto/sha256" // MAC, PRF and HKDF
	_ "crypto/sha512" // PRF and HKDF of AES-256-GCM
	"fmt"
)

// Version is a version of TLS, as the supported_versions extension and
// crypto/tls write it.
type Version uint16

// The versions that this package opens records of.
const (
	TLS12 Version = 0x0303
	TLS13 Version = 0x0304
)

// String returns the usual name of the version.
func (v Version) String() string {
	switch v {
	case TLS12:
		return "TLS 1.2"
	case TLS13:
		return "TLS 1.3"
	}
	return fmt.Sprintf("TLS version %#04x", uint16(v))
}

// mode is how a suite protects a record.
type mode uint8

const (
	gcm mode = iota + 1
	chacha
	aesCBC
	tripleDESCBC
)

// Suite is a cipher suite: how records are protected, and how keys are derived.
// Key exchange and signature play no part in it. [SuiteByID] makes it.
type Suite struct {
	id   uint16
	info suiteInfo
}

type suiteInfo struct {
	name    string
	version Version
	mode    mode
	key     int         // bytes
	hash    crypto.Hash // of HKDF in TLS 1.3, of the PRF in TLS 1.2
	mac     crypto.Hash // of the HMAC of a CBC suite
}

// SuiteByID returns the suite that a ServerHello names id. It returns false for
// a suite that this package does not know. That Suite still has its ID, and
// every constructor refuses it with an [UnsupportedSuiteError].
func SuiteByID(id uint16) (Suite, bool) {
	info, ok := suites[id]
	return Suite{id: id, info: info}, ok
}

// ID returns the number of the suite in the IANA registry.
func (s Suite) ID() uint16 { return s.id }

// Version returns the version of TLS that the suite is for. A CBC suite is for
// TLS 1.2 here. It is zero for an unknown suite.
func (s Suite) Version() Version { return s.info.version }

// Pads reports whether all records of the suite are padded, as CBC needs it. A record of
// another suite of TLS 1.3 may be padded.
func (s Suite) Pads() bool { return s.info.mac != 0 }

// TripleDES reports whether the cipher is 3DES, which is far slower than the others.
func (s Suite) TripleDES() bool { return s.info.mode == tripleDESCBC }

// String returns the name of the suite in the IANA registry, and its number in
// hexadecimal for an unknown suite.
func (s Suite) String() string {
	if s.info.name == "" {
		return fmt.Sprintf("%#04x", s.id)
	}
	return s.info.name
}

// suites has what crypto/tls negotiates, except RC4.
var suites = map[uint16]suiteInfo{
	0x1301: {"TLS_AES_128_GCM_SHA256", TLS13, gcm, 16, crypto.SHA256, 0},
	0x1302: {"TLS_AES_256_GCM_SHA384", TLS13, gcm, 32, crypto.SHA384, 0},
	0x1303: {"TLS_CHACHA20_POLY1305_SHA256", TLS13, chacha, 32, crypto.SHA256, 0},

	0xc02b: {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", TLS12, gcm, 16, crypto.SHA256, 0},
	0xc02f: {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", TLS12, gcm, 16, crypto.SHA256, 0},
	0x009c: {"TLS_RSA_WITH_AES_128_GCM_SHA256", TLS12, gcm, 16, crypto.SHA256, 0},
	0xc02c: {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", TLS12, gcm, 32, crypto.SHA384, 0},
	0xc030: {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", TLS12, gcm, 32, crypto.SHA384, 0},
	0x009d: {"TLS_RSA_WITH_AES_256_GCM_SHA384", TLS12, gcm, 32, crypto.SHA384, 0},

	0xcca9: {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", TLS12, chacha, 32, crypto.SHA256, 0},
	0xcca8: {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", TLS12, chacha, 32, crypto.SHA256, 0},

	0xc009: {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", TLS12, aesCBC, 16, crypto.SHA256, crypto.SHA1},
	0xc013: {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", TLS12, aesCBC, 16, crypto.SHA256, crypto.SHA1},
	0x002f: {"TLS_RSA_WITH_AES_128_CBC_SHA", TLS12, aesCBC, 16, crypto.SHA256, crypto.SHA1},
	0xc00a: {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", TLS12, aesCBC, 32, crypto.SHA256, crypto.SHA1},
	0xc014: {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", TLS12, aesCBC, 32, crypto.SHA256, crypto.SHA1},
	0x0035: {"TLS_RSA_WITH_AES_256_CBC_SHA", TLS12, aesCBC, 32, crypto.SHA256, crypto.SHA1},
	0xc023: {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", TLS12, aesCBC, 16, crypto.SHA256, crypto.SHA256},
	0xc027: {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", TLS12, aesCBC, 16, crypto.SHA256, crypto.SHA256},
	0x003c: {"TLS_RSA_WITH_AES_128_CBC_SHA256", TLS12, aesCBC, 16, crypto.SHA256, crypto.SHA256},
	0xc012: {"TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", TLS12, tripleDESCBC, 24, crypto.SHA256, crypto.SHA1},
	0x000a: {"TLS_RSA_WITH_3DES_EDE_CBC_SHA", TLS12, tripleDESCBC, 24, crypto.SHA256, crypto.SHA1},
}

// ivSize is how many bytes of the IV come out of the key schedule.
func (i suiteInfo) ivSize() int {
	switch {
	case i.mode == gcm && i.version == TLS12:
		return 4 // the salt, RFC 5288 §3
	case i.mode == gcm || i.mode == chacha:
		return 12 // RFC 8446 §5.3, RFC 7905 §2
	}
	return 0 // RFC 5246 §6.2.3.2: each CBC record has its own
}
