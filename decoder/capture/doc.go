// Package capture reads packets from capture files, and what their headers say.
//
// A Reader takes pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng) files, in
// either byte order. It gives their packets, and the session secrets of Decryption Secrets
// Blocks. A Segment is what the headers of link layer, IP, TCP and UDP say of a packet.
//
// The reader of gopacket 1.1.19 cannot replace it: it drops secrets and directions,
// and has no Linux cooked capture of version 2.
//
// Memory is bounded, whatever a file says. The package opens no file and reads no clock.
package capture
