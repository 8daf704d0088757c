package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"h2trace/decoder/ktime"
)

const (
	// maxPacket bounds a packet. A packet of IPv6 with a jumbo payload that Linux makes
	// has 512 KiB.
	maxPacket = 4 << 20
	// maxSecrets bounds the secrets of one block.
	maxSecrets = 16 << 20
)

// Direction says which way a packet went, seen from the host that captured it.
type Direction uint8

// The directions, as in epb_flags of pcapng.
const (
	DirectionUnknown Direction = iota
	Inbound
	Outbound
)

// Packet is one packet. Its fields are valid until the next call of Next.
type Packet struct {
	Time      ktime.Time // nanoseconds since the Unix epoch, 0 if it has none, or one before
	Link      LinkType
	Data      []byte // the packet, or its beginning
	Length    int    // bytes on the wire
	Direction Direction
	Interface string // its name, "" if it has none, as far as it is kept
}

// Secrets are session secrets in the format of a key log file (RFC 9850), from a Decryption
// Secrets Block. Data is valid until the next call of Next.
type Secrets struct{ Data []byte }

// Item is a *Packet or *Secrets.
type Item interface{ item() }

// Reader returns the key log file.
func (s *Secrets) Reader() io.Reader { return bytes.NewReader(s.Data) }

func (*Packet) item()  {}
func (*Secrets) item() {}

// ErrFormat is the error of a file that is neither pcap nor pcapng.
var ErrFormat = errors.New("no capture: it begins neither as pcap nor as pcapng")

// DamagedError says that a file is damaged at a place.
type DamagedError struct {
	Offset int64 // in bytes
	What   string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("damaged at byte %d: %s", e.Offset, e.What)
}

// Reader reads the packets of a file in their order.
type Reader struct {
	in     *input
	format format
	// Dropped counts the packets that the capturing program says it lost (isb_ifdrop).
	Dropped uint64
}

// format is a file format.
type format interface {
	// next returns the next packet or secrets, nil for something else, or io.EOF.
	next(*Reader) (Item, error)
}

// Is reports whether a file is a capture by its first bytes, four or more.
func Is(head []byte) bool { return isPcapng(head) || isPcap(head) }

// NewReader returns a Reader of a file. The error is ErrFormat or that of reading.
func NewReader(from io.Reader) (*Reader, error) {
	r := &Reader{in: &input{r: bufio.NewReaderSize(from, 1<<18)}}
	head, err := r.in.r.Peek(4)
	switch {
	case isPcapng(head):
		r.format = &pcapng{}
		return r, nil
	case isPcap(head):
		r.format, err = openPcap(r.in)
		return r, err
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	}
	return nil, ErrFormat
}

// Next returns the next packet or secrets. At the end of the file it returns io.EOF, and
// io.ErrUnexpectedEOF if the file ends within a packet. After any other error, such as
// *DamagedError, nothing more can be read.
func (r *Reader) Next() (Item, error) {
	for {
		item, err := r.format.next(r)
		if item != nil || err != nil {
			return item, err
		}
	}
}

// input reads a file and counts its bytes.
type input struct {
	r   *bufio.Reader
	at  int64 // offset of what is read next
	buf []byte
}

// take reads n bytes. They are valid until the next call. At the end of the file it returns
// io.EOF, and in the middle of the bytes io.ErrUnexpectedEOF.
func (in *input) take(n int) ([]byte, error) {
	if b, err := in.r.Peek(n); err == nil { // no copy
		_, err = in.r.Discard(n)
		in.at += int64(n)
		return b, err
	}
	if cap(in.buf) < n {
		in.buf = make([]byte, n)
	}
	read, err := io.ReadFull(in.r, in.buf[:n])
	in.at += int64(read)
	return in.buf[:n], err
}

// skip passes over n bytes.
func (in *input) skip(n int64) error {
	for n > 0 {
		step := int(min(n, 1<<30))
		done, err := in.r.Discard(step)
		in.at += int64(done)
		n -= int64(done)
		if err != nil {
			return unexpected(err)
		}
	}
	return nil
}

// unexpected returns the error of a file that ends too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (in *input) damaged(what string, args ...any) error {
	return &DamagedError{in.at, fmt.Sprintf(what, args...)}
}
