// Package pcap writes packets as pcapng, which Wireshark and its like read: the PCAP Next
// Generation Capture File Format (draft-ietf-opsawg-pcapng, Internet-Draft). The section
// numbers in this package are those of its revision 04.
//
// The NgWriter of gopacket writes packets without options, so without their direction and
// without comments, and no session secrets. Tests read the files with its NgReader, and with
// tshark.
package pcap
