package tcp

import (
	"encoding/binary"
	"time" //nolint:depguard // gopacket takes times; these are of no clock

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/tcpassembly"
)

const (
	// maxHeld bounds the bytes that are held of a Stream behind some that are
	// missing: what a window may hold while a segment is sent again.
	maxHeld = 4 << 20
	// pageBytes is what gopacket holds in one piece.
	pageBytes = 1900
)

// Assembler holds the segments of many Streams that came too early. It is not
// safe for concurrent use.
type Assembler struct {
	// most is how many bytes it may hold.
	most int
	asm  *tcpassembly.Assembler // nil until there is a Stream
	// begun counts Streams, which tells them apart.
	begun uint64
	// stream is that of the call under way.
	stream *Stream
}

// NewAssembler returns an Assembler that holds up to most bytes.
func NewAssembler(most int) *Assembler { return &Assembler{most: most} }

// New implements tcpassembly.StreamFactory.
func (a *Assembler) New(_, _ gopacket.Flow) tcpassembly.Stream { return a.stream }

// enter begins a Stream, at its place next.
func (a *Assembler) enter(s *Stream) {
	if a.asm == nil {
		a.asm = tcpassembly.NewAssembler(tcpassembly.NewStreamPool(a))
		a.asm.MaxBufferedPagesTotal = max(1, a.most/pageBytes)
		a.asm.MaxBufferedPagesPerConnection = min(a.asm.MaxBufferedPagesTotal, maxHeld/pageBytes)
	}
	a.begun++
	id := binary.BigEndian.AppendUint64(nil, a.begun)
	s.flow = gopacket.NewFlow(layers.EndpointTCPPort, id, id)
	a.put(s, &layers.TCP{SYN: true, Seq: uint32(s.next - 1)}, data)
}

// leave ends a Stream. What is held of it is dropped.
func (a *Assembler) leave(s *Stream) {
	a.put(s, &layers.TCP{FIN: true, Seq: uint32(s.next)}, data)
}

// data is what a segment holds that is not a Cause: bytes of the stream.
const data Cause = 0xff

// put hands a segment to gopacket, and with it, as its time, what it holds.
func (a *Assembler) put(s *Stream, t *layers.TCP, holds Cause) {
	a.stream = s
	a.asm.AssembleWithTimestamp(s.flow, t, time.Unix(int64(holds), 0))
	a.stream = nil
}
