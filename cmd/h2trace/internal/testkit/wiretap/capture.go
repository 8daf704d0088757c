package wiretap

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// Framing says what precedes IP in the packets of a capture.
type Framing struct {
	Name string
	Link uint16 // larger than that of gopacket 1.1.19
	head []byte // for IPv4
	v6   []byte // for IPv6
}

// pppoeLength is where a header of PPPoE says how long the rest is (RFC 2516 §4).
const pppoeLength = 18

func framing(name string, link uint16, head, v6 string) Framing {
	return Framing{name, link, unhex(head), unhex(v6)}
}

func unhex(s string) (b []byte) {
	for i := 0; i < len(s); i += 2 {
		var v byte
		_, _ = fmt.Sscanf(s[i:i+2], "%02x", &v)
		b = append(b, v)
	}
	return b
}

const (
	macs     = "020000000002020000000001"
	ethernet = 1
)

// Framings are those of the link types that captures have.
var Framings = []Framing{
	framing("Ethernet", ethernet, macs+"0800", macs+"86dd"),
	framing("VLAN", ethernet, macs+"8100006408"+"00", macs+"8100006486dd"),
	framing("QinQ", ethernet, macs+"88a8000a810000640800", macs+"88a8000a8100006486dd"),
	framing("MPLS", ethernet, macs+"8847"+"00064040"+"00064140", macs+"8847"+"0006414"+"0"),
	framing("PPPoE", ethernet, macs+"8864"+"110000010000"+"0021", macs+"8864"+"110000010000"+"0057"),
	framing("raw", 101, "", ""),
	framing("loopback", 0, "02000000", "1e000000"),
	framing("OpenBSD loopback", 108, "00000002", "00000018"),
	framing("Linux cooked", 113, "0004000100060200000000010000"+"0800", "0004000100060200000000010000"+"86dd"),
	framing("Linux cooked 2", 276, "0800"+"0000"+"00000002"+"0001"+"04"+"06"+"0200000000010000", "86dd"+"0000"+"00000002"+"0001"+"04"+"06"+"0200000000010000"),
}

// Bytes returns the packet as it is in a capture.
func (f *Framing) Bytes(p *Packet) []byte {
	tcp := layers.TCP{
		SrcPort: layers.TCPPort(p.Source.Port()), DstPort: layers.TCPPort(p.Dest.Port()),
		Seq: p.Seq, Ack: p.Ack, Window: 65535,
		SYN: p.Flags&SYN != 0, ACK: p.Flags&ACK != 0, FIN: p.Flags&FIN != 0, RST: p.Flags&RST != 0, PSH: p.Flags&PSH != 0,
	}
	var ip gopacket.SerializableLayer
	head := f.head
	if p.Source.Addr().Is4() {
		v4 := layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: p.Source.Addr().AsSlice(), DstIP: p.Dest.Addr().AsSlice()}
		_ = tcp.SetNetworkLayerForChecksum(&v4)
		ip = &v4
	} else {
		v6 := layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP, SrcIP: p.Source.Addr().AsSlice(), DstIP: p.Dest.Addr().AsSlice()}
		_ = tcp.SetNetworkLayerForChecksum(&v6)
		ip, head = &v6, f.v6
	}
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, opts, ip, &tcp, gopacket.Payload(p.Payload)); err != nil {
		panic(err) // only a packet of more than 64 KiB
	}
	b := append(append([]byte(nil), head...), buf.Bytes()...)
	if f.Name == "PPPoE" {
		binary.BigEndian.PutUint16(b[pppoeLength:], uint16(len(b)-pppoeLength-2))
	}
	return b
}

// WritePcap writes a capture as pcap with nanoseconds, of packets cut to snap bytes, 0 for none.
func WritePcap(w io.Writer, f *Framing, snap int, packets []Packet) error {
	out := pcapgo.NewWriterNanos(&relinked{w, f.Link, 20})
	if err := out.WriteFileHeader(1<<18, ethernet); err != nil {
		return err
	}
	for i := range packets {
		if err := out.WritePacket(info(f, &packets[i], snap)); err != nil {
			return err
		}
	}
	return nil
}

func info(f *Framing, p *Packet, snap int) (gopacket.CaptureInfo, []byte) {
	b := f.Bytes(p)
	length := len(b)
	if snap > 0 {
		b = b[:min(snap, length)]
	}
	return gopacket.CaptureInfo{Timestamp: p.Time, CaptureLength: len(b), Length: length}, b
}

// WritePcapng writes a capture as pcapng, with a Decryption Secrets Block first if there are
// secrets.
func WritePcapng(w io.Writer, f *Framing, secrets []byte, packets []Packet) error {
	const header = 28 + 8 // the section, and the beginning of the interface
	out, err := pcapgo.NewNgWriterInterface(&relinked{w, f.Link, header}, pcapgo.NgInterface{LinkType: ethernet, TimestampResolution: 9, SnapLength: 1 << 18}, pcapgo.NgWriterOptions{})
	if err != nil {
		return err
	}
	if len(secrets) > 0 {
		if err := out.Flush(); err != nil {
			return err
		}
		if _, err := w.Write(secretsBlock(secrets)); err != nil {
			return err
		}
	}
	for i := range packets {
		ci, b := info(f, &packets[i], 0)
		if err := out.WritePacket(ci, b); err != nil {
			return err
		}
	}
	return out.Flush()
}

// secretsBlock returns a Decryption Secrets Block of a key log.
func secretsBlock(secrets []byte) []byte {
	padded := (len(secrets) + 3) &^ 3
	length := uint32(12 + 8 + padded)
	b := binary.LittleEndian.AppendUint32(nil, 10)
	b = binary.LittleEndian.AppendUint32(b, length)
	b = binary.LittleEndian.AppendUint32(b, 0x544c534b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(secrets)))
	b = append(append(b, secrets...), make([]byte, padded-len(secrets))...)
	return binary.LittleEndian.AppendUint32(b, length)
}

// relinked replaces the link type in the first bytes of a file.
type relinked struct {
	io.Writer
	link uint16
	at   int // of the link type, -1 once it is replaced
}

func (r *relinked) Write(b []byte) (int, error) {
	if r.at >= 0 {
		b = append([]byte(nil), b...)
		binary.LittleEndian.PutUint16(b[r.at:], r.link)
		r.at = -1
	}
	return r.Writer.Write(b)
}
