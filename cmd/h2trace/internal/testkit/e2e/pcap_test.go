package e2e

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestPcap has tshark read the packets of a download, in one pass and without secrets of its own. Its
// frames, headers and increments of windows are those of the events, and these are those of
// the log of the go command. Replayed, it has the events of the run.
func TestPcap(t *testing.T) {
	t.Parallel()
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := append(modproxy.Modules("example.test/small", 20, 200), modproxy.Modules("example.test/big", 2, 3<<20)...)
	w := modproxy.NewWorkspace(t, a, mods, modproxy.Start(t, a, mods[5:], modproxy.Options{}), modproxy.Start(t, a, mods, modproxy.Options{}))
	file := filepath.Join(t.TempDir(), "packets.pcapng")
	r := startTracing(t, command{
		flags: []string{"--source", "wire", "--pcap", file}, args: []string{"go", "mod", "download"}, dir: w.Dir, env: debugEnv(w.Env),
	}).wait()
	if r.status != 0 || !strings.Contains(r.stderr, "h2trace: session secrets go to "+file+" with the packets: who has it can decrypt these\n") {
		t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	packets := tsharkFields(t, file, nil, "http2 || frame.comment", "http2.type", "http2.streamid", "http2.length", "http2.header.name",
		"http2.header.value", "http2.window_update.window_size_increment", "tcp.srcport", "tcp.dstport", "frame.comment", "frame.interface_name")
	for _, p := range verify(t, r, atExit) {
		checkFrames(t, packets, p.Trace)
		checkNamed(t, packets, p.Trace)
	}
	if got, want := packetsOf(t, file), packetsWritten(t, r.stream); got != want {
		t.Errorf("%d packets in the file, %d in the summary", got, want)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, mode %v, want 0600", err, info.Mode())
	}
	checkReplayed(t, r.stream, file)
}

// separator is between the values of a field that a packet has several times.
const separator = "\x1f"

// tsharkFields has tshark print fields of the packets that match a filter, for each packet all values
// of each. prefs are more arguments of tshark.
func tsharkFields(t *testing.T, file string, prefs []string, filter string, names ...string) (packets [][][]string) {
	t.Helper()
	// The loopback device delivers on the CPU that sent, so segments overtake each other.
	args := []string{"-r", file, "-o", "tcp.reassemble_out_of_order:TRUE", "-Y", filter, "-T", "fields", "-E", "aggregator=" + separator}
	args = append(args, prefs...)
	for _, name := range names {
		args = append(args, "-e", name)
	}
	out, err := exec.CommandContext(t.Context(), "tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		var values [][]string
		for value := range strings.SplitSeq(strings.TrimSuffix(line, "\n"), "\t") {
			var list []string
			if value != "" {
				list = strings.Split(value, separator)
			}
			values = append(values, list)
		}
		packets = append(packets, values)
	}
	return packets
}

// checkFrames holds the frames of a connection against those that tshark finds.
func checkFrames(t *testing.T, packets [][][]string, c *contract.Conn) {
	t.Helper()
	_, port, err := net.SplitHostPort(c.Open.Local)
	if err != nil {
		t.Fatal(err)
	}
	for dir, ports := range map[string]int{"send": 6, "recv": 7} {
		var want, got [4][]string // frames, names and values of headers, increments
		for _, e := range c.Frames {
			if e.Dir != dir {
				continue
			}
			want[0] = append(want[0], fmt.Sprintf("%s on %d with %d bytes", e.Type, e.Stream, e.Length))
			for _, h := range e.Headers {
				want[1], want[2] = append(want[1], h.Name), append(want[2], h.Value)
			}
			if e.Type == "WINDOW_UPDATE" {
				want[3] = append(want[3], strconv.FormatUint(uint64(e.Increment), 10))
			}
		}
		for _, p := range packets {
			if p[ports][0] != port {
				continue
			}
			for i := range p[0] {
				got[0] = append(got[0], fmt.Sprintf("%s on %s with %s bytes", frameTypes[p[0][i]], p[1][i], p[2][i]))
			}
			for i := range 3 {
				got[1+i] = append(got[1+i], p[3+i]...)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got[0]) == 0 {
			t.Errorf("%s, %s: -events +tshark\n%s", c.ID, dir, diff)
		}
	}
}

// frameTypes are the types of frames as tshark prints them (RFC 9113 §6).
var frameTypes = map[string]string{
	"0": "DATA", "1": "HEADERS", "3": "RST_STREAM", "4": "SETTINGS", "6": "PING", "7": "GOAWAY", "8": "WINDOW_UPDATE",
}

// checkNamed requires that a packet names its connection and process, as an event does.
func checkNamed(t *testing.T, packets [][][]string, c *contract.Conn) {
	t.Helper()
	name := fmt.Sprintf("%s[%d]", c.Open.Comm, c.Open.PID)
	_, port, _ := net.SplitHostPort(c.Open.Local)
	for _, p := range packets {
		if len(p[8]) == 1 && (p[6][0] == port || p[7][0] == port) && strings.HasPrefix(p[8][0], c.ID+" of "+name+" to ") && p[9][0] == name {
			return
		}
	}
	t.Errorf("no packet of %s has a comment of %s", c.ID, name)
}

// packetsOf returns how many packets a file has.
func packetsOf(t *testing.T, file string) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "capinfos", "-c", "-M", "-T", "-r", file).Output()
	words := strings.Fields(string(out))
	if err != nil || len(words) < 2 {
		t.Fatalf("capinfos: %v\n%s", err, out)
	}
	n, err := strconv.Atoi(words[len(words)-1])
	if err != nil {
		t.Fatalf("capinfos: %s", out)
	}
	return n
}

// packetsWritten returns how many packets were written, of which none may be lost.
func packetsWritten(t *testing.T, s *contract.Stream) int {
	t.Helper()
	p := s.Events[len(s.Events)-1].Packets
	if p == nil || p.Lost != 0 {
		t.Fatalf("lost packets: %s", s.Events[len(s.Events)-1].Raw)
	}
	return p.Written
}

// TestPcapPackets holds the packets of a client against those that dumpcap sees.
func TestPcapPackets(t *testing.T) {
	t.Parallel()
	needProbes(t)
	a := modproxy.NewAuthority(t)
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			server := startEcho(t, addr, &tls.Config{Certificates: []tls.Certificate{a.Server(t)}})
			file := filepath.Join(t.TempDir(), "packets.pcapng")
			captured := captureLoopback(t, server)
			client := clientArgs(t, server, "-impl", "net", "-scenario", "post")
			r := invoke(t, invocation{args: append([]string{"--pcap", file, "-o", "/dev/null"}, client...), env: peerEnv(a)})
			if r.status != 0 || strings.Contains(r.stderr, "secrets") {
				t.Fatalf("exit status %d\n%s", r.status, indent(r.stderr))
			}
			got, ways := segments(t, file)
			want, _ := segments(t, captured())
			for _, s := range got {
				if i := slices.Index(want, s); i >= 0 {
					want = slices.Delete(want, i, i+1)
				} else {
					t.Errorf("dumpcap has no %s", s)
				}
			}
			// The last packets may come after the process has ended.
			for _, s := range want {
				if !strings.HasSuffix(s, " end") {
					t.Errorf("only dumpcap has %s", s)
				}
			}
			if len(got) < 10 || !strings.Contains(got[0], " SYN ") {
				t.Errorf("got %q", got)
			}
			_, port, _ := net.SplitHostPort(server)
			for i, way := range ways {
				if fromServer := strings.Contains(got[i], " from ["+port+"]:"); fromServer == (way == "0x00000002") {
					t.Errorf("direction %s of %s", way, got[i])
				}
			}
		})
	}
}

// segments returns the segments of TCP in a file, and their directions. Those from the first FIN
// on are marked.
func segments(t *testing.T, file string) (list, ways []string) {
	t.Helper()
	end := ""
	for _, p := range tsharkFields(t, file, nil, "tcp", "ip.id", "ipv6.flow", "tcp.srcport", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.window_size_value", "tcp.flags", "frame.packet_flags_direction") {
		flags, err := strconv.ParseUint(p[7][0], 0, 16)
		if err != nil {
			t.Fatal(err)
		}
		if flags&1 != 0 {
			end = " end"
		}
		list = append(list, fmt.Sprintf("id %s flow %s from %s: seq %s ack %s len %s window %s%s %s%s", p[0], p[1], p[2], p[3], p[4], p[5], p[6],
			map[bool]string{true: " SYN"}[flags&2 != 0], p[7], end))
		ways = append(ways, strings.Join(p[8], ""))
	}
	return list, ways
}

// TestPcapRotation has files of a megabyte, as tcpdump names them. Each can be read.
func TestPcapRotation(t *testing.T) {
	t.Parallel()
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/big", 3, 3<<20)
	proxy := modproxy.Start(t, a, mods, modproxy.Options{})
	for _, tt := range []struct {
		flags []string
		names []string
		ring  bool
	}{
		{[]string{"-C", "4"}, []string{"p", "p1", "p2"}, false},
		{[]string{"-C", "1", "-W", "3"}, []string{"p0", "p1", "p2"}, true},
	} {
		t.Run(strings.Join(tt.flags, " "), func(t *testing.T) {
			w, dir := modproxy.NewWorkspace(t, a, mods, proxy), t.TempDir()
			r := startTracing(t, command{
				flags: append([]string{"--source", "wire", "--pcap", filepath.Join(dir, "p")}, tt.flags...),
				args:  []string{"go", "mod", "download"}, dir: w.Dir, env: w.Env,
			}).wait()
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
			}
			entries, err := os.ReadDir(dir)
			var names []string
			packets := 0
			for _, e := range entries {
				names = append(names, e.Name())
				packets += packetsOf(t, filepath.Join(dir, e.Name()))
			}
			if written := packetsWritten(t, r.stream); err != nil || !slices.Equal(names, tt.names) || packets == 0 || tt.ring != (packets < written) {
				t.Errorf("%v: %q with %d of %d packets", err, names, packets, written)
			}
			for _, name := range names {
				out, err := exec.CommandContext(t.Context(), "capinfos", filepath.Join(dir, name)).Output()
				if err != nil || !strings.Contains(string(out), "Number of decryption secrets in file: ") || !strings.Contains(string(out), "Name = go[") {
					t.Errorf("%s: %v\n%s", name, err, out)
				}
			}
		})
	}
}

// TestPcapPipe pipes the packets into tshark, which decrypts them as they come; and into a
// reader that leaves.
func TestPcapPipe(t *testing.T) {
	t.Parallel()
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/one", 2, 1<<20)
	proxy := modproxy.Start(t, a, mods, modproxy.Options{})
	pipe := func(t *testing.T, into string) (ran, *contract.Stream) {
		t.Helper()
		w, events := modproxy.NewWorkspace(t, a, mods, proxy), filepath.Join(t.TempDir(), "events.jsonl")
		r := invoke(t, invocation{
			wrap: []string{"bash", "-o", "pipefail", "-c", `"$0" "$@" | ` + into},
			args: []string{"--source", "wire", "--show-secrets", "--pcap", "-", "-o", events, "go", "-C", w.Dir, "mod", "download", "-json"}, env: w.Env,
		})
		f, err := os.Open(events)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s, err := contract.Read(f)
		if err != nil {
			t.Fatal(err)
		}
		if r.status != 0 || !strings.Contains(r.stderr, `"Zip":`) { // the stdout of the go command
			t.Fatalf("exit status %d\n%s", r.status, indent(r.stderr))
		}
		return r, s
	}
	t.Run("tshark", func(t *testing.T) {
		r, s := pipe(t, "tshark -i - -l -Y http2.headers.path -T fields -E aggregator=, -e http2.headers.path")
		var want []string
		for _, e := range s.Of("frame") {
			for _, h := range e.Headers {
				if h.Name == ":path" {
					want = append(want, h.Value)
				}
			}
		}
		got := strings.FieldsFunc(r.stdout, func(c rune) bool { return c == '\n' || c == ',' })
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
			t.Errorf("-events +tshark\n%s", diff)
		}
	})
	t.Run("head", func(t *testing.T) {
		if r, s := pipe(t, "head -c 100 | wc -c"); strings.TrimSpace(r.stdout) != "100" || len(s.Of("summary")) != 1 {
			t.Errorf("got %q and %d summaries", r.stdout, len(s.Of("summary")))
		}
	})
}

// TestPcapFull has no room for packets. The events are whole, and so is the download.
func TestPcapFull(t *testing.T) {
	t.Parallel()
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/one", 1, 100)
	w := modproxy.NewWorkspace(t, a, mods, modproxy.Start(t, a, mods, modproxy.Options{}))
	r := startTracing(t, command{flags: []string{"--pcap", "/dev/full"}, args: []string{"go", "mod", "download"}, dir: w.Dir, env: debugEnv(w.Env)}).wait()
	const said = "write /dev/full: no space left on device"
	counted := regexp.MustCompile("h2trace: packets: " + said + `: \d+ packets were not written\n`)
	if r.status != 125 || !strings.Contains(r.stderr, "h2trace: the observation goes on without packets: "+said+"\n") ||
		!counted.MatchString(r.stderr) || strings.Count(r.stderr, said) != 2 {
		t.Errorf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	verify(t, r, atExit)
	if p := r.stream.Events[len(r.stream.Events)-1].Packets; p == nil || p.Lost == 0 {
		t.Errorf("got %+v", p)
	}
}
