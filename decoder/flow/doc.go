// Package flow decodes the HTTP of captured packets: it follows TCP connections, opens their
// TLS, and gives frames, exchanges and stalls to the caller. It wires packages capture, tcp,
// tls and exchange.
//
//	table := flow.New(flow.Config{Open: func(c *flow.Conn) flow.Hooks {
//		var h flow.Hooks
//		h.Exchange = func(e *exchange.Exchange) { fmt.Println(e.Method, e.URL, e.Status) }
//		return h
//	}})
//	err := table.Read(file) // pcap or pcapng
//	table.Close()
//
// Session secrets come from Decryption Secrets Blocks of the file, or from Table.KeyLog. A
// caller with packets from elsewhere uses Table.Packet.
//
// Both directions of a connection come in the order of cause: bytes are decoded after those
// that their sender had acknowledged, even if these were captured later, or not at all. What
// is missing is given up after 50 ms without more of it, or when the connection ends: the
// packets of other connections, too, tell the time. So a hole costs what is in it, and no more.
//
// Read returns the error of a file that is damaged or ends within a packet; all before
// that is decoded. Table.Counts says which packets were of no use. A connection whose start
// is not in the capture, or of which packets are missing, is decoded as far as its bytes
// show: see package decoder. Of TLS the ClientHello must be there.
//
// TLS through an HTTP proxy is a connection of its own, see Conn.Outer. A Table does not
// look into SOCKS, UDP and QUIC.
//
// Memory is bounded by Config.Memory and Config.MaxConns (80 MB more with the defaults), whatever the packets hold. A Table
// starts no goroutine and reads no clock. It is not safe for concurrent use.
package flow
