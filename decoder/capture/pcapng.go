package capture

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"

	"h2trace/decoder/ktime"
)

// Types of blocks.
const (
	blockSection         = 0x0a0d0d0a
	blockInterface       = 1
	blockPacket          = 2 // obsolete
	blockSimplePacket    = 3
	blockStatistics      = 5
	blockEnhancedPacket  = 6
	blockSecrets         = 10
	secretsTLS           = 0x544c534b // "TLSK"
	byteOrderMagic       = 0x1a2b3c4d
	blockHeader          = 8  // type and length
	blockOverhead        = 12 // the length stands at the end, too
	maxInterfaces        = 1 << 16
	maxName              = 128 // bytes of the name of an interface that are kept
	maxInterfaceBlock    = 1 << 20
	maxPacketBlock       = maxPacket + 1<<20
	defaultUnits         = 1_000_000 // of a timestamp in a second
	largestNegativePower = 63
)

// pcapng is a file of the newer format.
type pcapng struct {
	order      binary.ByteOrder // of the section
	interfaces []captureInterface
	packet     Packet
	secrets    Secrets
}

// captureInterface is where packets were captured.
type captureInterface struct {
	name    string
	link    LinkType
	snapLen uint32 // 0: no limit
	units   uint64 // of a timestamp in a second
	offset  int64  // seconds to add
	dropped uint64
}

func isPcapng(head []byte) bool {
	return len(head) >= 4 && binary.BigEndian.Uint32(head) == blockSection // the same in both orders
}

// next implements format: it reads a block.
func (p *pcapng) next(r *Reader) (Item, error) {
	head, err := r.in.r.Peek(blockHeader)
	if err != nil {
		if errors.Is(err, io.EOF) && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if isPcapng(head) {
		return nil, p.section(r.in)
	}
	if p.order == nil {
		return nil, r.in.damaged("no section begins there")
	}
	kind, length := p.order.Uint32(head), p.order.Uint32(head[4:])
	if length < blockOverhead || length%4 != 0 {
		return nil, r.in.damaged("a block of %d bytes", length)
	}
	most := p.mostOf(kind)
	if most == 0 {
		return nil, r.in.skip(int64(length))
	}
	if length > most {
		return nil, r.in.damaged("a block of type %d with %d bytes", kind, length)
	}
	start := r.in.at
	b, err := r.in.take(int(length))
	if err != nil {
		return nil, unexpected(err)
	}
	item, ok := p.block(r, kind, b[blockHeader:length-4])
	if again := p.order.Uint32(b[length-4:]); !ok || again != length {
		return nil, &DamagedError{start, "a block whose lengths do not fit"}
	}
	return item, nil
}

// mostOf returns how long a block may be, 0 for one that is of no use.
func (p *pcapng) mostOf(kind uint32) uint32 {
	switch kind {
	case blockInterface, blockStatistics:
		return maxInterfaceBlock
	case blockPacket, blockSimplePacket, blockEnhancedPacket:
		return maxPacketBlock
	case blockSecrets:
		return maxSecrets
	}
	return 0
}

// section begins a section, which has a byte order and interfaces of its own.
func (p *pcapng) section(in *input) error {
	head, err := in.r.Peek(blockHeader + 4)
	if err != nil {
		return unexpected(err)
	}
	p.order = nil
	for _, order := range byteOrders {
		if order.Uint32(head[blockHeader:]) == byteOrderMagic {
			p.order = order
		}
	}
	if p.order == nil {
		return in.damaged("a section without byte order")
	}
	length := p.order.Uint32(head[4:])
	if length < blockOverhead+16 || length%4 != 0 {
		return in.damaged("a section header of %d bytes", length)
	}
	p.interfaces = p.interfaces[:0]
	return in.skip(int64(length))
}

// block takes the body of a block. It reports whether the lengths in it fit.
func (p *pcapng) block(r *Reader, kind uint32, b []byte) (Item, bool) {
	switch kind {
	case blockInterface:
		return nil, p.addInterface(b)
	case blockStatistics:
		return nil, p.statistics(r, b)
	case blockSecrets:
		return p.takeSecrets(b)
	case blockSimplePacket:
		return p.simplePacket(b)
	case blockPacket:
		if len(b) < 20 {
			return nil, false
		}
		return p.fullPacket(uint32(p.order.Uint16(b)), b)
	}
	if len(b) < 20 {
		return nil, false
	}
	return p.fullPacket(p.order.Uint32(b), b)
}

func (p *pcapng) addInterface(b []byte) bool {
	if len(b) < 8 || len(p.interfaces) == maxInterfaces {
		return false
	}
	i := captureInterface{link: LinkType(p.order.Uint16(b)), snapLen: p.order.Uint32(b[4:]), units: defaultUnits}
	ok := p.options(b[8:], func(code uint16, v []byte) {
		switch {
		case code == optionName:
			i.name = string(v[:min(len(v), maxName)])
		case code == optionResolution && len(v) == 1:
			i.units = unitsOf(v[0])
		case code == optionOffset && len(v) == 8:
			i.offset = int64(p.order.Uint64(v))
		}
	})
	p.interfaces = append(p.interfaces, i)
	return ok
}

// unitsOf returns how many units a second has: a power of 10, or of 2 with the highest bit.
func unitsOf(resolution byte) uint64 {
	power := int(resolution & 0x7f)
	if resolution&0x80 != 0 {
		return 1 << min(power, largestNegativePower)
	}
	units := uint64(1)
	for range min(power, 19) {
		units *= 10
	}
	return units
}

func (p *pcapng) statistics(r *Reader, b []byte) bool {
	if len(b) < 12 {
		return false
	}
	n := p.order.Uint32(b)
	return p.options(b[12:], func(code uint16, v []byte) {
		if code == optionDropped && len(v) == 8 && int(n) < len(p.interfaces) {
			i, dropped := &p.interfaces[n], p.order.Uint64(v)
			r.Dropped += dropped - min(dropped, i.dropped) // totals
			i.dropped = dropped
		}
	})
}

func (p *pcapng) takeSecrets(b []byte) (Item, bool) {
	if len(b) < 8 {
		return nil, false
	}
	kind, length := p.order.Uint32(b), p.order.Uint32(b[4:])
	if int64(length) > int64(len(b)-8) {
		return nil, false
	}
	if kind != secretsTLS {
		return nil, true
	}
	p.secrets = Secrets{b[8 : 8+length]}
	return &p.secrets, true
}

// simplePacket takes a packet without a time.
func (p *pcapng) simplePacket(b []byte) (Item, bool) {
	if len(b) < 4 || len(p.interfaces) == 0 {
		return nil, false
	}
	i, length := &p.interfaces[0], p.order.Uint32(b)
	captured := min(uint32(len(b)-4), length)
	if i.snapLen > 0 {
		captured = min(captured, i.snapLen)
	}
	p.packet = Packet{Interface: i.name, Link: i.link, Data: b[4 : 4+captured], Length: int(min(length, 1<<30))}
	return &p.packet, true
}

func (p *pcapng) fullPacket(iface uint32, b []byte) (Item, bool) {
	captured, length := p.order.Uint32(b[12:]), p.order.Uint32(b[16:])
	if int64(captured) > int64(len(b)-20) || int64(iface) >= int64(len(p.interfaces)) {
		return nil, false
	}
	i := &p.interfaces[iface]
	p.packet = Packet{
		Time:      i.time(uint64(p.order.Uint32(b[4:]))<<32 | uint64(p.order.Uint32(b[8:]))),
		Interface: i.name, Link: i.link, Data: b[20 : 20+captured], Length: int(max(captured, min(length, 1<<30))),
	}
	ok := p.options(b[min(20+int(captured+3)&^3, len(b)):], func(code uint16, v []byte) {
		if code == optionFlags && len(v) == 4 {
			p.packet.Direction = Direction(p.order.Uint32(v) & 3 % 3)
		}
	})
	return &p.packet, ok
}

// time converts a timestamp. One that has no place in a ktime.Time is unknown.
func (i *captureInterface) time(stamp uint64) ktime.Time {
	high, low := bits.Mul64(stamp, 1e9)
	if high >= i.units {
		return 0
	}
	ns, _ := bits.Div64(high, low, i.units)
	if ns > 1<<62 || i.offset > 1<<32 || i.offset < -(1<<32) {
		return 0
	}
	return max(ktime.Time(int64(ns)+i.offset*1e9), 0)
}
