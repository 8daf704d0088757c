// Package quic reads what a QUIC connection shows to an observer without its keys
// (RFC 9000, RFC 9001, RFC 9369): Initial packets. Their keys derive from a
// connection ID that the packets carry, and a salt that each version of QUIC
// publishes (RFC 9001 §5.2). They carry the ClientHello and the ServerHello.
//
//	f := quic.NewFlow(budget) // of the datagrams between two addresses
//	if news := f.Datagram(at, true, datagram); news != nil && news.ClientHello != nil {
//		fmt.Println(news.Version, news.ClientHello.SNI, news.ClientHello.ALPN)
//	}
//
// It does no I/O. Bytes may come from anybody: a packet that opens under the keys of
// its connection ID was made for QUIC, and is no proof of who made it.
package quic
