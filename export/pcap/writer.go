package pcap

import "io"

// Writer writes pcapng. After an error it writes nothing more. It is for one goroutine.
type Writer struct {
	to         io.Writer
	buf        []byte
	written    int64 // to the section, without buf
	interfaces int
	secret     bool // the buffer holds secrets
	err        error
	ends       []end  // of the blocks that are not written whole
	whole      int64  // bytes of the section that are whole blocks
	missing    uint64 // packets that are not written whole because of an error
}

// end is where in the section a block ends.
type end struct {
	at     int64
	packet bool
}

// bufferSize is about how many bytes are gathered before they are written.
const bufferSize = 256 << 10

// NewWriter returns a Writer. Begin comes before anything else.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

// Begin begins a section, which has no interfaces yet.
func (w *Writer) Begin(application string) {
	const magic, majorVersion, minorVersion = 0x1a2b3c4d, 1, 0
	w.written, w.whole, w.interfaces = 0, 0, 0
	b := beginBlock(w.buf, blockSection)
	b.u32(magic)
	b.u16(majorVersion)
	b.u16(minorVersion)
	b.u64(1<<64 - 1) // unknown length
	b.text(sectionApplication, clean(application))
	w.take(b.end())
}

// linkTypeRaw is for packets that begin with an IP header, whose version says which
// (LINKTYPE_RAW, draft-ietf-opsawg-pcaplinktype).
const linkTypeRaw = 101

// Interface is where packets come from.
type Interface struct {
	Name, Description string // "" is unknown
}

// Interface writes an interface, and returns the number that its packets have.
func (w *Writer) Interface(i *Interface) int {
	const nanoseconds = 9
	b := beginBlock(w.buf, blockInterface)
	b.u16(linkTypeRaw)
	b.u16(0)
	b.u32(0) // no limit of the length of packets
	b.text(interfaceName, clean(i.Name))
	b.text(interfaceDescription, clean(i.Description))
	b.u16(interfaceResolution)
	b.u16(1)
	b.bytes([]byte{nanoseconds})
	w.take(b.end())
	w.interfaces++
	return w.interfaces - 1
}

// Direction is the way of a packet (§4.3.1).
type Direction uint32

// The directions.
const (
	Inbound  Direction = 1
	Outbound Direction = 2
)

// Packet is a packet from its IP header on.
type Packet struct {
	Interface int
	Time      int64 // nanoseconds since the Unix epoch
	Length    int   // of the whole packet; Bytes may be its beginning
	Bytes     []byte
	Direction Direction
	Comment   string
}

// Packet writes a packet.
func (w *Writer) Packet(p *Packet) {
	comment := clean(p.Comment)
	b := beginBlock(w.buf, blockPacket)
	b.u32(uint32(p.Interface))
	b.time(p.Time)
	b.u32(uint32(len(p.Bytes)))
	b.u32(uint32(p.Length))
	if len(p.Bytes) < direct {
		b.b = append(b.b, p.Bytes...)
	} else {
		w.bypass(&b, p.Bytes, comment)
	}
	b.pad(len(p.Bytes))
	b.text(optionComment, comment)
	b.u16(packetFlags)
	b.u16(4)
	b.u32(uint32(p.Direction))
	w.takePacket(b.end())
}

// direct is the length of the shortest packet that is written from where it is: the memory
// of a large one is read once less.
const direct = 16 << 10

// bypass writes the buffer and the bytes of a packet, whose block goes on in the buffer.
func (w *Writer) bypass(b *block, p []byte, comment string) {
	b.expect(len(p) + padding(len(p)) + textSize(comment) + 8)
	w.buf = b.b
	w.flush()
	w.write(p)
	b.b = w.buf
}

// secretsTLS says that secrets are a key log file (§4.7, RFC 9850).
const secretsTLS = 0x544c534b

// Secrets writes lines of a key log file. They come before the packets that they open.
func (w *Writer) Secrets(lines []byte) {
	w.secret = true
	b := beginBlock(w.buf, blockSecrets)
	b.u32(secretsTLS)
	b.u32(uint32(len(lines)))
	b.bytes(lines)
	w.take(b.endWithoutOptions())
}

// Statistics counts the packets of an interface.
type Statistics struct {
	Start, End         int64 // nanoseconds since the Unix epoch
	Delivered, Dropped uint64
}

// Statistics writes what was counted of an interface.
func (w *Writer) Statistics(number int, s *Statistics) {
	b := beginBlock(w.buf, blockStatistics)
	b.u32(uint32(number))
	b.time(s.End)
	b.moment(statisticsStart, s.Start)
	b.moment(statisticsEnd, s.End)
	b.count(statisticsReceived, s.Delivered+s.Dropped)
	b.count(statisticsDropped, s.Dropped)
	b.count(statisticsDelivered, s.Delivered)
	w.take(b.end())
}

// take takes the buffer with one block more.
func (w *Writer) take(b []byte) { w.takeBlock(b, false) }

// takePacket is take for the block of a packet.
func (w *Writer) takePacket(b []byte) { w.takeBlock(b, true) }

func (w *Writer) takeBlock(b []byte, packet bool) {
	w.buf = b
	switch {
	case w.err == nil:
		w.ends = append(w.ends, end{w.written + int64(len(b)), packet})
	case packet:
		w.missing++
	}
	if len(b) >= bufferSize {
		w.flush()
	}
}

// Flush writes what was gathered, and returns the first error.
func (w *Writer) Flush() error {
	w.flush()
	return w.err
}

func (w *Writer) flush() {
	w.write(w.buf)
	if w.secret {
		clear(w.buf)
		w.secret = false
	}
	w.buf = w.buf[:0]
}

func (w *Writer) write(b []byte) {
	if w.err == nil && len(b) > 0 {
		var n int
		n, w.err = w.to.Write(b)
		w.written += int64(n)
		i := 0
		for ; i < len(w.ends) && w.ends[i].at <= w.written; i++ {
			w.whole = w.ends[i].at
		}
		w.ends = append(w.ends[:0], w.ends[i:]...)
		if w.err != nil {
			w.countMissing()
		}
	}
}

func (w *Writer) countMissing() {
	for _, e := range w.ends {
		if e.packet {
			w.missing++
		}
	}
	w.ends = nil
}

// Cut returns how many bytes the last write left of a block that is not whole, and how many
// packets are missing since. It is for after an error.
func (w *Writer) Cut() (n int64, packets uint64) { return w.written - w.whole, w.missing }

// Pending reports whether something was gathered that is not written.
func (w *Writer) Pending() bool { return len(w.buf) > 0 }

// Size returns how many bytes the section has so far.
func (w *Writer) Size() int64 { return w.written + int64(len(w.buf)) }

// Err returns the first error.
func (w *Writer) Err() error { return w.err }
