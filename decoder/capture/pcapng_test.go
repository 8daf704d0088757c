package capture

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"h2trace/decoder/ktime"
)

// pcapngFile returns a section of blocks.
func pcapngFile(blocks ...[]byte) []byte {
	section := binary.LittleEndian.AppendUint32(nil, byteOrderMagic)
	section = append(section, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	return bytes.Join(append([][]byte{block(blockSection, section)}, blocks...), nil)
}

func block(kind uint32, body []byte) []byte {
	length := uint32(len(body) + blockOverhead)
	b := binary.LittleEndian.AppendUint32(nil, kind)
	b = binary.LittleEndian.AppendUint32(b, length)
	return binary.LittleEndian.AppendUint32(append(b, body...), length)
}

// interfaceBlock describes an interface. The lengths of the options are multiples of four.
func interfaceBlock(options map[uint16]string) []byte {
	body := []byte{byte(LinkRaw), 0, 0, 0, 0, 0, 0, 0}
	for code, value := range options {
		body = binary.LittleEndian.AppendUint16(body, code)
		body = append(binary.LittleEndian.AppendUint16(body, uint16(len(value))), value...)
	}
	return block(blockInterface, body)
}

// packetBlock is an empty packet with a timestamp.
func packetBlock(stamp uint64) []byte {
	body := make([]byte, 20)
	binary.LittleEndian.PutUint32(body[4:], uint32(stamp>>32))
	binary.LittleEndian.PutUint32(body[8:], uint32(stamp))
	return block(blockEnhancedPacket, body)
}

func firstPacket(t *testing.T, file []byte) Packet {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	item, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	return *item.(*Packet)
}

// TestLongName has an interface with a name of 64 KB, of which a file may have thousands.
func TestLongName(t *testing.T) {
	p := firstPacket(t, pcapngFile(interfaceBlock(map[uint16]string{optionName: strings.Repeat("n", 64000)}), packetBlock(0)))
	if p.Interface != strings.Repeat("n", maxName) {
		t.Errorf("a name of %d bytes", len(p.Interface))
	}
}

// TestTimes has timestamps that have no place in the clock. They are unknown.
func TestTimes(t *testing.T) {
	for _, c := range []struct {
		name   string
		offset int64 // in seconds
		stamp  uint64
		want   ktime.Time
	}{
		{"usual", 10, 5_000_001, 15_000_001_000},
		{"before 1970", -10, 5_000_000, 0},
		{"at the end", 1 << 32, 1 << 62 / 1000, 1<<62/1000*1000 + 1<<32*1e9},
		{"too large", 0, 1 << 63, 0},
		{"too large an offset", 1 << 40, 5, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			offset := string(binary.LittleEndian.AppendUint64(nil, uint64(c.offset)))
			if p := firstPacket(t, pcapngFile(interfaceBlock(map[uint16]string{optionOffset: offset}), packetBlock(c.stamp))); p.Time != c.want {
				t.Errorf("got %d, want %d", p.Time, c.want)
			}
		})
	}
}
