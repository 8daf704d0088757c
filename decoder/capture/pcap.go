package capture

import (
	"encoding/binary"

	"h2trace/decoder/ktime"
)

const (
	pcapFileHeader   = 24
	pcapPacketHeader = 16
	// pcapPatchedHeader is that of files of the patched libpcap of Red Hat Linux 6.
	pcapPatchedHeader = 24
)

// pcap is a file of the older format.
type pcap struct {
	order  binary.ByteOrder
	unit   int64 // nanoseconds of the fraction of a second
	header int   // bytes before a packet
	link   LinkType
	packet Packet
}

// pcapMagics are how files begin, read in their own byte order.
var pcapMagics = map[uint32]pcap{
	0xa1b2c3d4: {unit: 1000, header: pcapPacketHeader},
	0xa1b23c4d: {unit: 1, header: pcapPacketHeader},
	0xa1b2cd34: {unit: 1000, header: pcapPatchedHeader},
}

var byteOrders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

// pcapOf returns what the first bytes of a file say of it.
func pcapOf(head []byte) (pcap, bool) {
	for _, order := range byteOrders {
		if len(head) < 4 {
			break
		}
		if p, ok := pcapMagics[order.Uint32(head)]; ok {
			p.order = order
			return p, true
		}
	}
	return pcap{}, false
}

func isPcap(head []byte) bool {
	_, ok := pcapOf(head)
	return ok
}

// openPcap reads the header of the file.
func openPcap(in *input) (format, error) {
	b, err := in.take(pcapFileHeader)
	if err != nil {
		return nil, unexpected(err)
	}
	p, _ := pcapOf(b)
	p.link = LinkType(p.order.Uint32(b[20:]) & 0xffff) // the rest says how long the FCS is
	return &p, nil
}

// next implements format.
func (p *pcap) next(r *Reader) (Item, error) {
	b, err := r.in.take(p.header)
	if err != nil {
		return nil, err
	}
	seconds, fraction := p.order.Uint32(b), p.order.Uint32(b[4:])
	captured, length := p.order.Uint32(b[8:]), p.order.Uint32(b[12:])
	if captured > maxPacket {
		return nil, r.in.damaged("a packet of %d bytes", captured)
	}
	data, err := r.in.take(int(captured))
	if err != nil {
		return nil, unexpected(err)
	}
	p.packet = Packet{
		Time: ktime.Time(int64(seconds)*1e9 + int64(fraction)*p.unit),
		Link: p.link, Data: data, Length: int(max(captured, min(length, 1<<30))),
	}
	return &p.packet, nil
}
