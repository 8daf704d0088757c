// Package capture reads packets from capture files, and what their headers say.
//
// A Reader takes pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng) files, in
// either byte order. It gives their packets, and the session secrets of Decryption Secrets
// Blocks. A Segment is what the headers of link layer, IP, TCP and UDP say of a packet.
//
//	r, err := capture.NewReader(file)
//	for err == nil {
//		var item capture.Item
//		item, err = r.Next() // io.EOF at the end
//		switch item := item.(type) {
//		case *capture.Packet:
//			var s capture.Segment
//			if s.Dissect(item) == capture.Taken && s.TCP {
//				fmt.Println(s.Source, s.Dest, s.Seq, s.Length)
//			}
//		case *capture.Secrets: // see tls.ReadKeyLog
//		}
//	}
//
// Package flow does that, and decodes what the packets carry. Files that are compressed are
// for the caller to open.
//
// The reader of gopacket 1.1.19 cannot replace it: it drops secrets and directions,
// and has no Linux cooked capture of version 2.
//
// Memory is bounded, whatever a file says: by one packet, of 4 MiB at most, or the secrets of
// one block, of 16 MiB. The package opens no file and reads no clock.
package capture
