package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"h2trace/decoder/internal/corpora"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/pcapgo"
)

// read is a packet as a reader returns it.
type read struct {
	At     time.Time
	Length int
	Data   string
}

// readAll returns the packets of a file, and the secrets.
func readAll(file []byte) (packets []read, secrets string, err error) {
	r, err := NewReader(bytes.NewReader(file))
	for err == nil {
		var item Item
		switch item, err = r.Next(); item := item.(type) {
		case *Packet:
			packets = append(packets, read{time.Unix(0, int64(item.Time)).UTC(), item.Length, string(item.Data)})
		case *Secrets:
			secrets += string(item.Data)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return packets, secrets, err
}

// readByGopacket returns them as gopacket reads them.
func readByGopacket(t *testing.T, file []byte) (packets []read) {
	t.Helper()
	var next func() ([]byte, gopacket.CaptureInfo, error)
	if r, err := pcapgo.NewReader(bytes.NewReader(file)); err == nil {
		next = r.ReadPacketData
	} else if r, err := pcapgo.NewNgReader(bytes.NewReader(file), pcapgo.DefaultNgReaderOptions); err == nil {
		next = r.ReadPacketData
	} else {
		t.Fatal(err)
	}
	for {
		b, ci, err := next()
		if errors.Is(err, io.EOF) {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, read{ci.Timestamp.UTC(), ci.Length, string(b)})
	}
}

// captures returns the captures of the corpora.
func captures(t testing.TB) []string {
	t.Helper()
	return corpora.Files(t, filepath.Join(corpora.Path(t, "pcap"), "*.pcap"))
}

// editcap writes a capture anew, as Wireshark does.
func editcap(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("editcap"); err != nil {
		t.Skip("editcap is not installed; scripts/setup installs it")
	}
	if out, err := exec.CommandContext(t.Context(), "editcap", args...).CombinedOutput(); err != nil {
		t.Fatalf("editcap: %v\n%s", err, out)
	}
}

// TestReader reads captures of others, in the formats that editcap writes them in, and compares
// them with what gopacket reads.
func TestReader(t *testing.T) {
	for _, file := range captures(t) {
		for _, format := range []string{"pcap", "nsecpcap", "pcapng"} {
			t.Run(filepath.Base(file)+" "+format, func(t *testing.T) {
				out := filepath.Join(t.TempDir(), "out")
				editcap(t, "-F", format, file, out)
				b, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				got, _, err := readAll(b)
				if err != nil {
					t.Fatal(err)
				}
				want := readByGopacket(t, b)
				if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
					t.Errorf("-gopacket +got:\n%s", diff)
				}
				if format != "pcapng" {
					swapped, _, err := readAll(swap(b))
					if diff := cmp.Diff(want, swapped); diff != "" || err != nil {
						t.Errorf("in the other byte order: %v\n%s", err, diff)
					}
				}
			})
		}
	}
}

// swap returns a pcap file in the other byte order.
func swap(file []byte) []byte {
	b := bytes.Clone(file)
	long := func(at int) { binary.BigEndian.PutUint32(b[at:], binary.LittleEndian.Uint32(file[at:])) }
	short := func(at int) { binary.BigEndian.PutUint16(b[at:], binary.LittleEndian.Uint16(file[at:])) }
	for _, at := range []int{0, 8, 12, 16, 20} {
		long(at)
	}
	short(4)
	short(6)
	for at := pcapFileHeader; at < len(b); {
		for i := range 4 {
			long(at + 4*i)
		}
		at += pcapPacketHeader + int(binary.LittleEndian.Uint32(file[at+8:]))
	}
	return b
}

// TestSecrets reads the block that editcap makes of a key log file.
func TestSecrets(t *testing.T) {
	const keys = "CLIENT_RANDOM 00 11\nCLIENT_TRAFFIC_SECRET_0 22 3\n"
	dir := t.TempDir()
	log, out := filepath.Join(dir, "keys"), filepath.Join(dir, "out")
	if err := os.WriteFile(log, []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
	editcap(t, "--inject-secrets", "tls,"+log, captures(t)[0], out)
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if _, got, err := readAll(b); got != keys || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, keys)
	}
}

// TestCut reads files that end anywhere: what is whole before is there, and no error is another
// one than that of the end.
func TestCut(t *testing.T) {
	file := captures(t)[0]
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all, _, err := readAll(b)
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		got, _, err := readAll(b[:n])
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, ErrFormat) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if diff := cmp.Diff(all[:len(got)], got); diff != "" && len(got) > 0 {
			t.Fatalf("%d bytes: %s", n, diff)
		}
	}
}

// FuzzReader reads anything, and dissects it. It ends, holds no more than the file, and says
// where it is damaged.
func FuzzReader(f *testing.F) {
	for _, file := range captures(f) {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 8<<10 {
			f.Add(b)
			f.Add(swap(b))
		}
	}
	f.Add([]byte("\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x1c\x00\x00\x00" +
		"\x01\x00\x00\x00\x1c\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x09\x00\x01\x00\x09\x00\x00\x00\x1c\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(bytes.NewReader(file))
		n := 0
		for err == nil {
			var item Item
			if item, err = r.Next(); err != nil {
				break
			}
			if p, ok := item.(*Packet); ok {
				n += len(p.Data)
				var s Segment
				if s.Dissect(p) == Taken && (len(s.Payload) > s.Length || s.Length > p.Length && s.Length > 1<<16) {
					t.Fatalf("%d bytes of %d, in a packet of %d", len(s.Payload), s.Length, p.Length)
				}
			}
		}
		if n > len(file) {
			t.Fatalf("%d bytes of packets in a file of %d", n, len(file))
		}
		_, damaged := errors.AsType[*DamagedError](err)
		if !damaged && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, ErrFormat) {
			t.Fatal(err)
		}
	})
}
