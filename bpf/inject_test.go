//go:build linux

package bpf

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// injector sends segments of its own to one end of a connection, as if they came from
// the other.
type injector struct {
	t        *testing.T
	raw      int
	src, dst *net.TCPAddr
	seq, ack uint32
	received net.Conn       // the end that receives them
	behind   net.PacketConn // sends to itself, see settle
}

// newInjector connects over loopback. Everything that the test sends from here on
// goes through one CPU, so that it arrives in order.
func newInjector(t *testing.T) *injector {
	t.Helper()
	stayOnCPU(t)
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, server := pair(t, ln)
	in := &injector{t: t, src: client.LocalAddr().(*net.TCPAddr), dst: client.RemoteAddr().(*net.TCPAddr), received: server}
	raw, err := client.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if ctlErr := raw.Control(func(fd uintptr) { in.seq, in.ack, err = sequence(int(fd)) }); ctlErr != nil || err != nil {
		t.Fatal(ctlErr, err)
	}
	if in.behind, err = net.ListenPacket("udp4", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.behind.Close() })
	in.raw, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_RAW)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(in.raw) })
	return in
}

// stayOnCPU binds the test to its current CPU.
func stayOnCPU(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	var before, one unix.CPUSet
	err := unix.SchedGetaffinity(0, &before)
	for i := 0; err == nil && one.Count() == 0; i++ {
		if before.IsSet(i) {
			one.Set(i)
		}
	}
	if err := errors.Join(err, unix.SchedSetaffinity(0, &one)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.SchedSetaffinity(0, &before); err != nil {
			t.Error(err)
		}
		runtime.UnlockOSThread()
	})
}

// settle returns when the kernel has handled the sent segments: a busy one queues
// packets of the loopback device, per CPU and in order.
func (in *injector) settle() {
	in.t.Helper()
	var b [1]byte
	err := in.behind.SetDeadline(time.Now().Add(5 * time.Second))
	if err == nil {
		_, err = in.behind.WriteTo(b[:], in.behind.LocalAddr())
	}
	if err == nil {
		_, _, err = in.behind.ReadFrom(b[:])
	}
	if err != nil {
		in.t.Fatal(err)
	}
}

// sequence returns the next sequence numbers that a socket sends and receives.
func sequence(fd int) (send, recv uint32, err error) {
	const off = -1 // without a window probe
	read := func(queue int) (n int) {
		if err == nil {
			err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR_QUEUE, queue)
		}
		if err == nil {
			n, err = unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUEUE_SEQ)
		}
		return n
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1); err != nil {
		return 0, 0, os.NewSyscallError("setsockopt TCP_REPAIR", err)
	}
	recv, send = uint32(read(1)), uint32(read(2))
	return send, recv, errors.Join(err, unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, off))
}

// send sends the part of the stream from off to end as one segment.
func (in *injector) send(stream []byte, off, end int) {
	in.t.Helper()
	const ip, tcp = 20, 20
	b := make([]byte, ip+tcp, ip+tcp+end-off)
	b[0], b[8], b[9] = 0x45, 64, unix.IPPROTO_TCP // the kernel fills in the rest (raw(7))
	copy(b[12:], in.src.IP.To4())
	copy(b[16:], in.dst.IP.To4())
	h := b[ip:]
	binary.BigEndian.PutUint16(h, uint16(in.src.Port))
	binary.BigEndian.PutUint16(h[2:], uint16(in.dst.Port))
	binary.BigEndian.PutUint32(h[4:], in.seq+uint32(off))
	binary.BigEndian.PutUint32(h[8:], in.ack)
	h[12], h[13] = tcp/4<<4, 0x18 // PSH, ACK (RFC 9293 §3.1)
	binary.BigEndian.PutUint16(h[14:], 0xffff)
	b = append(b, stream[off:end]...)
	pseudo := append(append([]byte{}, b[12:20]...), 0, unix.IPPROTO_TCP)
	pseudo = binary.BigEndian.AppendUint16(pseudo, uint16(len(b)-ip))
	binary.BigEndian.PutUint16(b[ip+16:], checksum(pseudo, b[ip:]))
	if err := unix.Sendto(in.raw, b, 0, &unix.SockaddrInet4{Addr: [4]byte(in.dst.IP.To4())}); err != nil {
		in.t.Fatal(os.NewSyscallError("sendto", err))
	}
}

// checksum implements RFC 1071.
func checksum(parts ...[]byte) uint16 {
	var sum uint32
	for _, p := range parts {
		for ; len(p) > 1; p = p[2:] {
			sum += uint32(binary.BigEndian.Uint16(p))
		}
		if len(p) > 0 {
			sum += uint32(p[0]) << 8
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// await reads the bytes that TCP has assembled from the segments.
func (in *injector) await(n int) []byte {
	in.t.Helper()
	b := make([]byte, n)
	if err := in.received.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		in.t.Fatal(err)
	}
	if _, err := io.ReadFull(in.received, b); err != nil {
		in.t.Fatal(err)
	}
	return b
}
