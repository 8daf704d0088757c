// Package tls opens the records of TLS 1.2 and 1.3 connections, for an observer that
// sees their ciphertext and knows their session secrets.
//
// It is passive: it takes the bytes of both directions, in the order of each, and
// returns what they carry, Conn.Next by Conn.Next. It does no I/O, reads no clock and
// starts no goroutine. The same bytes give the same events, however they are split.
// All input is hostile. A record is believed when its authentication tag verifies; the
// package returns nothing of one that does not.
//
//	c := tls.New(budget, sessions) // shared by all connections, or nil
//	c.Data(at, decoder.Send, ciphertext)
//	for e := c.Next(); e != nil; e = c.Next() {
//		switch e := e.(type) {
//		case *tls.Offered: // now the secrets are known by their client random
//			for label, secret := range keyLog.Of(e.Hello.Random) {
//				c.Secret(label, e.Hello.Random, secret)
//			}
//		case *tls.Plaintext:
//			conn.Data(e.At, e.Dir, e.Data) // of package exchange
//		case *tls.Missing:
//			conn.GapAtMost(e.At, e.Dir, e.Plaintext)
//		}
//	}
//
// A KeyLog holds the secrets of a key log file. Package flow wires all that for captures.
//
// Secrets come in any order, late, twice or not at all. Ciphertext waits for its secret
// within the bounds of limits.go: 512 KiB in each direction. Where bytes are missing, or the connection was joined
// in the middle, the package searches for the beginning of a record and for its number,
// and is in step again when a tag verifies.
//
// Package handshake parses the messages of handshakes, package record opens records.
package tls
