// Package exchange pairs requests with responses (RFC 9110 §3.4): of HTTP/2 from decoded
// frames, of HTTP/1.x from bytes. It reports the times of each part of an exchange, the
// sizes of its bodies, how it ended, and how long flow control stalled it.
//
// Begin with Conn, which takes the plaintext of one connection:
//
//	known := decoder.Config{Role: decoder.Client, FromStart: true}
//	conn := exchange.NewConn(exchange.ConnConfig{Scheme: "https", Decoder: known}, exchange.Hooks{
//		Exchange: func(e *exchange.Exchange) { fmt.Println(e.Method, e.URL, e.Status) },
//	})
//	conn.Data(at, decoder.Send, request)
//	conn.Data(at, decoder.Recv, response)
//	conn.Close(at, exchange.EndedByProcess)
//
// A Tracker is the same without the decoding, for a caller that has a decoder.Conn of its
// own. Its Sink may also be a TunnelSink and an UpgradeSink.
//
// Both belong to one connection. Like package decoder they do no I/O and read no clock. What
// is unknown, because the connection was joined in the middle or bytes were lost, they leave
// open: a time is 0, a number of bytes -1, an Error nil. Their memory is bounded: by 16,384
// open exchanges each, and by a Budget for all together.
package exchange
