// Package record opens the protected records of one direction of a TLS
// connection, for an observer that has the session's secrets.
//
// A [Reader] holds the key of one direction and the number of its next record.
// [NewTLS13] makes it from a traffic secret, [NewTLS12] makes both directions
// from a master secret, and [NewKey] makes it from a key that was read from the
// memory of an endpoint. [Reader.Open] verifies a record and gives its
// plaintext. [Reader.Find] finds the number of a record after others were
// missed.
//
//	r, err := record.NewTLS13(suite, secret) // suite, ok := record.SuiteByID(0x1301)
//	plaintext, typ, err := r.Open(nil, rec)  // one whole record with its header
//
// Package tls does that for whole connections.
//
// The package has no I/O, no clock and no goroutine. All records count as
// hostile: what does not verify gives an error and no plaintext, and no record
// makes it panic or allocate more than the record's own length.
//
// It knows the suites that crypto/tls negotiates for TLS 1.2 and TLS 1.3, except
// RC4: a stream cipher cannot go on after a missed record. It knows neither TLS
// 1.0 and 1.1, whose CBC records and PRF differ, nor compression and
// encrypt_then_mac (RFC 7366), which crypto/tls never negotiates.
package record
