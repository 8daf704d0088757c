package pcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// datagram returns an IPv4 packet of UDP (RFC 791 §3.1, RFC 768) of a length.
func datagram(length int) []byte {
	b := make([]byte, length)
	copy(b, []byte{0x45, 0, byte(length >> 8), byte(length), 0, 7, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2})
	copy(b[20:], []byte{0x30, 0x39, 0x30, 0x3a, byte((length - 20) >> 8), byte(length - 20)})
	return b
}

const keyLog = "CLIENT_RANDOM 00 01\n"

var begun = time.Date(2026, 11, 30, 12, 0, 0, 123456789, time.UTC).UnixNano()

// written are packets of each way to write them: with and without padding, cut, and large.
var written = []Packet{
	{Time: begun, Length: 28, Bytes: datagram(28), Direction: Outbound, Comment: "c1 of go[7] to goproxy.example:443"},
	{Time: begun + 1, Length: 29, Bytes: datagram(29), Direction: Inbound},
	{Time: begun + 2, Length: 1500, Bytes: datagram(1500)[:100], Interface: 1, Direction: Inbound},
	{Time: begun + 3, Length: direct, Bytes: datagram(direct), Direction: Outbound},
	{Time: begun + 4, Length: 65535, Bytes: datagram(65535), Interface: 1, Direction: Outbound, Comment: "ü"},
}

func write(t *testing.T, to io.Writer) *Writer {
	t.Helper()
	w := NewWriter(to)
	w.Begin("h2trace")
	w.Interface(&Interface{Name: "go[7]", Description: "/usr/bin/go, process 7"})
	if n := w.Interface(&Interface{Name: "git[8]"}); n != 1 {
		t.Errorf("got interface %d, want 1", n)
	}
	w.Secrets([]byte(keyLog))
	for i := range written {
		w.Packet(&written[i])
	}
	w.Statistics(0, &Statistics{Start: begun, End: begun + 4, Delivered: 3, Dropped: 2})
	return w
}

// TestReader reads with gopacket.
func TestReader(t *testing.T) {
	var file bytes.Buffer
	w := write(t, &file)
	if err := w.Flush(); err != nil || w.Size() != int64(file.Len()) || w.Pending() {
		t.Errorf("wrote %d bytes, %v; the size is %d", file.Len(), err, w.Size())
	}
	if bytes.Contains(w.buf[:cap(w.buf)], []byte(keyLog)) {
		t.Error("secrets are in memory after they are written")
	}
	r, err := pcapgo.NewNgReader(&file, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range written {
		b, info, err := r.ReadPacketData()
		if err != nil {
			t.Fatal(err)
		}
		got := Packet{
			Interface: info.InterfaceIndex, Time: info.Timestamp.UnixNano(), Length: info.Length, Bytes: b,
			Direction: want.Direction, Comment: want.Comment, // which it does not read
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if _, _, err := r.ReadPacketData(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	i, err := r.Interface(0)
	if err != nil || i.Name != "go[7]" || i.LinkType != layers.LinkTypeRaw || i.SnapLength != 0 {
		t.Errorf("got %+v, %v", i, err)
	}
	s := i.Statistics
	if s.PacketsReceived != 5 || s.PacketsDropped != 2 || s.StartTime.UnixNano() != begun || s.EndTime.UnixNano() != begun+4 {
		t.Errorf("got %+v", s)
	}
}

// TestTshark has tshark read what gopacket does not: directions and comments.
func TestTshark(t *testing.T) {
	file := filepath.Join(t.TempDir(), "packets.pcapng")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(t, f).Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "tshark", "-r", file, "-T", "fields", "-e", "frame.interface_name",
		"-e", "frame.packet_flags_direction", "-e", "frame.len", "-e", "frame.cap_len", "-e", "frame.time_epoch", "-e", "frame.comment").Output()
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, p := range written {
		at := strconv.FormatInt(p.Time/1e9, 10) + "." + strconv.FormatInt(1e9+p.Time%1e9, 10)[1:]
		want.WriteString(strings.Join([]string{
			[]string{"go[7]", "git[8]"}[p.Interface], []string{"", "0x00000001", "0x00000002"}[p.Direction],
			strconv.Itoa(p.Length), strconv.Itoa(len(p.Bytes)), at, p.Comment,
		}, "\t") + "\n")
	}
	if diff := cmp.Diff(want.String(), string(out)); diff != "" {
		t.Error(diff)
	}
	about, err := exec.CommandContext(t.Context(), "capinfos", file).Output()
	if err != nil || !strings.Contains(string(about), "Number of decryption secrets in file: 1\n") ||
		!strings.Contains(string(about), "Description = /usr/bin/go, process 7") {
		t.Errorf("%v\n%s", err, about)
	}
}

// full takes some bytes and no more.
type full struct{ room int }

var errFull = errors.New("no space left on device")

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.room {
		return f.room, errFull
	}
	f.room -= len(b)
	return len(b), nil
}

// TestErrors writes where there is no room. What is written after an error goes nowhere.
func TestErrors(t *testing.T) {
	for _, room := range []int{0, 100, 40_000} {
		w := write(t, &full{room: room})
		for range 2 {
			if err := w.Flush(); !errors.Is(err, errFull) || !errors.Is(w.Err(), errFull) {
				t.Errorf("room for %d bytes: %v", room, err)
			}
		}
		if w.Pending() || w.Size() > int64(room) {
			t.Errorf("room for %d bytes: %d written", room, w.Size())
		}
	}
}

// TestLongText has a text that is longer than an option can be, and no UTF-8.
func TestLongText(t *testing.T) {
	for _, size := range []int{28, direct} {
		var file bytes.Buffer
		w := NewWriter(&file)
		w.Begin("h2trace")
		w.Interface(&Interface{Description: strings.Repeat("x", 1<<17)})
		w.Packet(&Packet{Length: size, Bytes: datagram(size), Comment: "\xff" + strings.Repeat("ü", 1<<16)})
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		r, err := pcapgo.NewNgReader(&file, pcapgo.DefaultNgReaderOptions)
		if err != nil {
			t.Fatal(err)
		}
		if b, _, err := r.ReadPacketData(); err != nil || len(b) != size {
			t.Errorf("got %d bytes, %v", len(b), err)
		}
	}
}

// BenchmarkPacket writes packets to nowhere.
func BenchmarkPacket(b *testing.B) {
	for _, size := range []int{60, 1500, 65535} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			p := Packet{Length: size, Bytes: datagram(size)}
			w := NewWriter(io.Discard)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				w.Packet(&p)
			}
		})
	}
}

// TestCut ends the room for a file at each byte, and reads what is left when the cut block is taken
// back.
func TestCut(t *testing.T) {
	var file bytes.Buffer
	if err := write(t, &file).Flush(); err != nil {
		t.Fatal(err)
	}
	for room := 0; room < file.Len(); room += 1 + room/7 {
		out := &roomFor{n: room}
		w := write(t, out)
		if w.Flush() == nil {
			t.Fatalf("no error with room for %d of %d bytes", room, file.Len())
		}
		cut, missing := w.Cut()
		rest := out.Bytes()[:int64(out.Len())-cut]
		packets := 0
		for len(rest) > 0 {
			kind, n := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint32(rest[4:])
			if int(n) > len(rest) {
				t.Fatalf("room for %d: %d bytes are left of a block of %d", room, len(rest), n)
			}
			if kind == blockPacket {
				packets++
			}
			rest = rest[n:]
		}
		if packets+int(missing) != len(written) {
			t.Errorf("room for %d: %d packets are there, %d missing, want %d", room, packets, missing, len(written))
		}
	}
}

// roomFor takes n bytes, and then fails.
type roomFor struct {
	bytes.Buffer
	n int
}

func (r *roomFor) Write(b []byte) (int, error) {
	if room := r.n - r.Len(); len(b) > room {
		n, _ := r.Buffer.Write(b[:room])
		return n, errors.New("no space left on device")
	}
	return r.Buffer.Write(b)
}
