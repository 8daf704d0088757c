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

// writePcap writes a conversation as a TCP connection to port 443.
func writePcap(t *testing.T, path string, conv *conversation) {
	t.Helper()
	var file bytes.Buffer
	w := pcapgo.NewWriter(&file)
	if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	ips, ports := [2]net.IP{{192, 0, 2, 1}, {192, 0, 2, 2}}, [2]layers.TCPPort{40000, 443}
	seq := [2]uint32{1000, 2000}
	at := time.Unix(0, 0)
	write := func(dir decoder.Direction, tcp layers.TCP, b []byte) {
		eth := layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeIPv4}
		ip := layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: ips[dir], DstIP: ips[dir^1]}
		tcp.SrcPort, tcp.DstPort, tcp.Seq, tcp.Ack, tcp.Window = ports[dir], ports[dir^1], seq[dir], seq[dir^1], 65535
		if err := tcp.SetNetworkLayerForChecksum(&ip); err != nil {
			t.Fatal(err)
		}
		packet := gopacket.NewSerializeBuffer()
		options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		if err := gopacket.SerializeLayers(packet, options, &eth, &ip, &tcp, gopacket.Payload(b)); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Millisecond)
		info := gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(packet.Bytes()), Length: len(packet.Bytes())}
		if err := w.WritePacket(info, packet.Bytes()); err != nil {
			t.Fatal(err)
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
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// tshark returns the application data that it decrypts, by direction.
func tshark(t *testing.T, conv *conversation) (said [2][]byte) {
	t.Helper()
	dir := t.TempDir()
	capture, keys := filepath.Join(dir, "conversation.pcap"), filepath.Join(dir, "keys")
	writePcap(t, capture, conv)
	var log bytes.Buffer
	for _, s := range conv.secrets {
		fmt.Fprintf(&log, "%s %x %x\n", s.label, s.random, s.secret)
	}
	if err := os.WriteFile(keys, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tshark", "-r", capture, "-o", "tls.keylog_file:"+keys, "-q", "-z", "follow,tls,raw,0")
	cmd.Env = append(os.Environ(), "HOME="+dir)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	first := decoder.Send // node 0 is whose data tshark has decrypted first
	if bytes.Contains(out, []byte("Node 0: 192.0.2.2:443")) {
		first = decoder.Recv
	}
	_, out, _ = bytes.Cut(out, []byte("Node 1: "))
	_, out, _ = bytes.Cut(out, []byte("\n"))
	for line := range strings.Lines(string(out)) {
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
	check := func(name string, conv *conversation) {
		t.Run(name, func(t *testing.T) {
			want, got := tshark(t, conv), run(conv, 1<<20, 0)
			for d := range want {
				if !bytes.Equal(got.said[d], want[d]) || len(want[d]) == 0 {
					t.Errorf("%s: got %d bytes, tshark has %d", decoder.Direction(d), len(got.said[d]), len(want[d]))
				}
			}
		})
	}
	for _, s := range scenarios() {
		if conv := s.record(t, []int{10, 100, 20000, 50000}); conv.state.Version == gotls.VersionTLS13 || !s.resumed {
			check("crypto/tls "+s.name, conv) // tshark has no secret of the other
		}
	}
	need(t, "openssl")
	updates := later(client("K"), line(decoder.Send, "a"), server("K"), client("k"))
	conv, _ := opensslPair(t, "", []string{"-tls1_3", "-record_padding", "512"}, []string{"-record_padding", "512"}, updates)
	check("KeyUpdate and padding", conv)
	conv, _ = opensslPair(t, noExtendedMasterSecret, []string{"-tls1_2"}, nil, later(server("r")))
	check("renegotiation", conv)
	conv, _ = opensslPair(t, "", []string{"-tls1_2", "-no_etm", "-cipher", "ECDHE-ECDSA-AES128-SHA256"}, nil, usual)
	check("CBC", conv)
}
