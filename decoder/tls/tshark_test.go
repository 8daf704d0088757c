package tls_test

import (
	"bytes"
	gotls "crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"h2trace/decoder"
)

// capture is a pcap file of TCP connections to port 443.
type capture struct {
	t    *testing.T
	file bytes.Buffer
	w    *pcapgo.Writer
	at   time.Time
}

func newCapture(t *testing.T) *capture {
	c := &capture{t: t, at: time.Unix(0, 0)}
	c.w = pcapgo.NewWriter(&c.file)
	if err := c.w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	return c
}

// add writes a conversation from a port.
func (c *capture) add(port layers.TCPPort, conv *conversation) {
	c.t.Helper()
	ips, ports := [2]net.IP{{192, 0, 2, 1}, {192, 0, 2, 2}}, [2]layers.TCPPort{port, 443}
	seq := [2]uint32{1000, 2000}
	write := func(dir decoder.Direction, tcp layers.TCP, b []byte) {
		eth := layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeIPv4}
		ip := layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: ips[dir], DstIP: ips[dir^1]}
		tcp.SrcPort, tcp.DstPort, tcp.Seq, tcp.Ack, tcp.Window = ports[dir], ports[dir^1], seq[dir], seq[dir^1], 65535
		if err := tcp.SetNetworkLayerForChecksum(&ip); err != nil {
			c.t.Fatal(err)
		}
		packet := gopacket.NewSerializeBuffer()
		options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		if err := gopacket.SerializeLayers(packet, options, &eth, &ip, &tcp, gopacket.Payload(b)); err != nil {
			c.t.Fatal(err)
		}
		c.at = c.at.Add(time.Millisecond)
		info := gopacket.CaptureInfo{Timestamp: c.at, CaptureLength: len(packet.Bytes()), Length: len(packet.Bytes())}
		if err := c.w.WritePacket(info, packet.Bytes()); err != nil {
			c.t.Fatal(err)
		}
		if seq[dir] += uint32(len(b)); tcp.SYN {
			seq[dir]++
		}
	}
	write(decoder.Send, layers.TCP{SYN: true}, nil)
	write(decoder.Recv, layers.TCP{SYN: true, ACK: true}, nil)
	for _, s := range conv.segments {
		for b := s.b; len(b) > 0; b = b[min(1460, len(b)):] {
			write(s.dir, layers.TCP{ACK: true, PSH: true}, b[:min(1460, len(b))])
		}
	}
}

// tshark returns the application data of conversations that it decrypts, by direction.
func tshark(t *testing.T, list []*conversation) (said [][2][]byte) {
	t.Helper()
	dir := t.TempDir()
	path, keys := filepath.Join(dir, "pcap"), filepath.Join(dir, "keys")
	c, args := newCapture(t), []string{"-r", path, "-o", "tls.keylog_file:" + keys, "-q"}
	var log bytes.Buffer
	for i, conv := range list {
		c.add(layers.TCPPort(40000+i), conv)
		for _, s := range conv.secrets {
			fmt.Fprintf(&log, "%s %x %x\n", s.label, s.random, s.secret)
		}
		args = append(args, "-z", fmt.Sprintf("follow,tls,raw,%d", i))
	}
	for path, b := range map[string][]byte{path: c.file.Bytes(), keys: log.Bytes()} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("tshark", args...)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	said = make([][2][]byte, len(list))
	for _, text := range strings.Split(string(out), "Follow: tls,raw\n")[1:] {
		var i int
		_, number, _ := strings.Cut(text, ".stream eq ")
		if _, err := fmt.Sscan(number, &i); err != nil || i >= len(list) {
			t.Fatalf("%.100s: %v", text, err)
		}
		said[i] = parseFollow(text)
	}
	return said
}

// parseFollow parses what tshark says of a conversation.
func parseFollow(text string) (said [2][]byte) {
	first := decoder.Send // node 0 is whose data tshark has decrypted first
	if strings.Contains(text, "Node 0: 192.0.2.2:443") {
		first = decoder.Recv
	}
	_, text, _ = strings.Cut(text, "Node 1: ")
	_, text, _ = strings.Cut(text, "\n")
	for line := range strings.Lines(text) {
		side := first // the lines of node 1 are indented, and a line of = ends them
		if strings.HasPrefix(line, "\t") {
			side = first ^ 1
		}
		b, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			break
		}
		said[side] = append(said[side], b...)
	}
	return said
}

// TestTshark compares what a Conn returns with what tshark decrypts of the same bytes with
// the same secrets.
func TestTshark(t *testing.T) {
	need(t, "tshark")
	need(t, "openssl")
	var names []string
	var list []*conversation
	add := func(name string, conv *conversation) { names, list = append(names, name), append(list, conv) }
	for _, s := range scenarios() {
		if conv := s.record(t, []int{10, 100, 20000, 50000}); conv.state.Version == gotls.VersionTLS13 || !s.resumed {
			add("crypto/tls "+s.name, conv) // tshark has no secret of the other
		}
	}
	updates := later(client("K"), line(decoder.Send, "a"), server("K"), client("k"))
	conv, _ := opensslPair(t, "", []string{"-tls1_3", "-record_padding", "512"}, []string{"-record_padding", "512"}, updates)
	add("KeyUpdate and padding", conv)
	conv, _ = opensslPair(t, noExtendedMasterSecret, []string{"-tls1_2"}, nil, later(server("r")))
	add("renegotiation", conv)
	conv, _ = opensslPair(t, "", []string{"-tls1_2", "-no_etm", "-cipher", "ECDHE-ECDSA-AES128-SHA256"}, nil, usual)
	add("CBC", conv)
	for i, want := range tshark(t, list) {
		got := run(list[i], 1<<20, 0)
		for d := range want {
			if !bytes.Equal(got.said[d], want[d]) || len(want[d]) == 0 {
				t.Errorf("%s: %s: got %d bytes, tshark has %d", names[i], decoder.Direction(d), len(got.said[d]), len(want[d]))
			}
		}
	}
}
