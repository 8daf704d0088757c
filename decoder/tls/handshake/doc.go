// Package handshake parses the messages of a TLS handshake (RFC 8446 §4, RFC 5246
// §7.4) and alerts, as an observer that takes no part in it.
//
// An Assembler cuts the payloads of handshake records into messages. Each Parse
// function reads the body of one message. It returns what it could read even with
// an error: a malformed extension does not hide the others. It checks what it needs
// to read the fields, and not whether a peer may send them.
//
//	var a handshake.Assembler
//	a.Take(payload) // of the first records of a client
//	for m, ok := a.Next(); ok; m, ok = a.Next() {
//		if m.Type == handshake.TypeClientHello {
//			hello, err := handshake.ParseClientHello(m.Body)
//			fmt.Println(hello.SNI, hello.ALPN, err)
//		}
//	}
//
// All input counts as hostile. The package does no I/O, reads no clock, and uses no
// more memory than a multiple of its input.
package handshake
