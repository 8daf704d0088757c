package layout

// TLS holds the offsets, in bytes, of fields in a crypto/tls.Conn: what a handshake
// negotiated, and why there is no more to read.
type TLS struct {
	Version uint16 // vers, uint16
	Cipher  uint16 // cipherSuite, uint16
	Resumed uint16 // didResume, bool
	ALPN    uint16 // clientProtocol, string
	SNI     uint16 // serverName, string
	// ReadErr, of in.err, an error: no Read goes beyond it.
	ReadErr uint16
}

// tlsReleases are the layouts by the first minor release that has them. Reflection on
// the first and the last patch release of each showed the same layout.
var tlsReleases = []struct {
	minor  int
	layout TLS
}{
	{18, TLS{Version: 64, Cipher: 90, Resumed: 88, ALPN: 328, SNI: 192, ReadErr: 352}},
	{20, TLS{Version: 64, Cipher: 90, Resumed: 88, ALPN: 352, SNI: 216, ReadErr: 376}},
	{21, TLS{Version: 72, Cipher: 98, Resumed: 97, ALPN: 360, SNI: 224, ReadErr: 384}},
	{23, TLS{Version: 72, Cipher: 100, Resumed: 97, ALPN: 368, SNI: 224, ReadErr: 392}},
	{25, TLS{Version: 72, Cipher: 100, Resumed: 97, ALPN: 352, SNI: 208, ReadErr: 376}},
	{27, TLS{Version: 72, Cipher: 100, Resumed: 97, ALPN: 376, SNI: 232, ReadErr: 400}},
}

// newestTLS is the last minor release examined.
const newestTLS = 27

// ReleasedTLS returns the layout of a Go release, such as "go1.26.8", and nil where
// it is unknown.
func ReleasedTLS(goVersion string) *TLS {
	minor, _, ok := release(goVersion)
	if !ok || minor > newestTLS {
		return nil
	}
	for i := len(tlsReleases) - 1; i >= 0; i-- {
		if minor >= tlsReleases[i].minor {
			return &tlsReleases[i].layout
		}
	}
	return nil
}
