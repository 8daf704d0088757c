// Package host compiles the C that copies bytes for the machine of the tests, with
// the sanitizers of gcc, and fuzzes it there. It needs neither root nor BPF:
// include/bpf/bpf_helpers.h replaces the kernel.
package host

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The directions of a record, as in record/record.h.
const (
	send = iota
	recv
)

// The roles of a process, as in record/record.h.
const (
	client = 1
	server = 2
)

// The kinds of answers, as in stream.h.
const (
	answerRecord = 1
	answerPiece  = 2
	answerEnd    = 3
	answerLen    = 48
)

// session is the input of a program: a connection, and its pieces in order.
type session struct {
	refuse uint32 // reservations in the ring that fail, by their number modulo 32
	role   uint8
	first  [2]uint32
	before uint64 // bytes of each direction before the pieces
	pieces []piece
}

// piece is the bytes of one call, or one packet.
type piece struct {
	dir    int
	offset uint64
	b      []byte
	within bool // comes while the previous piece is handled
}

// record is a record that a program has put into the ring.
type record struct {
	dir                    int
	seq, offset            uint64
	lostBytes, lostRecords uint64
	b                      []byte
	leftOut                int // bytes after b
}

// result is the outcome of a session.
type result struct {
	pieces      [][]record
	opens       uint64    // open records of segments
	untold      [2]uint64 // lost bytes that no record has reported
	seenRecords uint64
	seenBytes   uint64
	lostRecords uint64
	lostBytes   uint64
}

// program is C in a process of its own, which ends at the first fault.
type program struct {
	name   string
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
	cmd    *exec.Cmd
}

// start compiles a program and runs it until the test is over. Warnings are errors,
// as in the BPF build.
func start(f testing.TB, source string, flags ...string) *program {
	f.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		f.Skip("gcc is not installed")
	}
	file := filepath.Join(f.TempDir(), source)
	args := append([]string{
		"-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
		"-Wno-unknown-pragmas", // those for clang
		"-fsanitize=address,undefined", "-fno-sanitize-recover=all",
		"-D__TARGET_ARCH_x86", "-Iinclude", "-I..", "-o", file, source + ".c",
	}, flags...)
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		f.Fatalf("gcc: %v\n%s", err, out)
	}
	p := &program{name: strings.Join(append([]string{source}, flags...), " "), cmd: exec.Command(file)}
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		f.Fatal(err)
	}
	p.out = bufio.NewReaderSize(out, 1<<16)
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		f.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		p.in.Close()
		if err := p.cmd.Wait(); err != nil { // leaks, too
			f.Errorf("%s: %v\n%s", p.name, err, p.stderr.Bytes())
		}
	})
	return p
}

// run passes a session to the program.
func (p *program) run(t *testing.T, s *session) result {
	t.Helper()
	var r result
	var err error
	written := make(chan struct{})
	go func() { // both pipes may be full
		defer close(written)
		_, _ = p.in.Write(s.encode()) // the answer is missing then
	}()
	for records := []record(nil); err == nil; {
		var a [answerLen]byte
		if _, err = io.ReadFull(p.out, a[:]); err != nil {
			break
		}
		word := func(i int) uint64 { return binary.LittleEndian.Uint64(a[8*i:]) }
		switch a[36] {
		case answerRecord:
			rec := record{
				dir: int(a[37]), seq: word(0), offset: word(1), lostBytes: word(2),
				lostRecords: word(3), b: make([]byte, binary.LittleEndian.Uint32(a[32:])),
				leftOut: int(binary.LittleEndian.Uint32(a[40:])),
			}
			_, err = io.ReadFull(p.out, rec.b)
			records = append(records, rec)
		case answerPiece:
			r.untold[a[37]], r.opens = word(2), word(0)
			r.pieces = append(r.pieces, records)
			records = nil
		case answerEnd:
			r.seenRecords, r.seenBytes, r.lostRecords, r.lostBytes = word(0), word(1), word(3), word(2)
			<-written
			return r
		}
	}
	p.in.Close()
	err = p.cmd.Wait() // stderr is complete
	t.Fatalf("%s: %v\n%s", p.name, err, p.stderr.Bytes())
	return r
}

// encode returns a session in the format of stream.h.
func (s *session) encode() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, uint32(len(s.pieces)))
	b = le.AppendUint32(b, s.refuse)
	b = append(b, s.role, 0, 0, 0, 0, 0, 0, 0)
	b = le.AppendUint32(b, s.first[0])
	b = le.AppendUint32(b, s.first[1])
	b = le.AppendUint64(b, s.before)
	for _, p := range s.pieces {
		b = le.AppendUint64(b, p.offset)
		b = le.AppendUint32(b, uint32(len(p.b)))
		b = append(b, uint8(p.dir), flag(p.within), 0, 0)
		b = append(b, p.b...)
	}
	return b
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
