//go:build linux

package bpf

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// restarting is a process that executes its own program again, with a socket.
type restarting struct {
	t     *testing.T
	pid   int
	stdin io.WriteCloser
	lines *bufio.Scanner
}

const (
	// keptEnv is the descriptor of the socket that the program has from the one before.
	keptEnv = "H2TRACE_TEST_KEPT"

	keepsListener = "a listening socket"
	keepsConn     = "a connection"
)

// restart runs the test once more in a process of its own, with a socket of a kind, which is
// connected to peer. It says the address of the socket.
func restart(t *testing.T, kind, peer string) (*restarting, string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestKeptAtExec$")
	cmd.Env = append(os.Environ(), endEnv+"="+kind, peerEnv+"="+peer)
	cmd.Stderr = os.Stderr
	stdin, stdout := startPiped(t, cmd)
	r := &restarting{t: t, pid: cmd.Process.Pid, stdin: stdin, lines: bufio.NewScanner(stdout)}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	return r, r.line()
}

func (r *restarting) line() string {
	r.t.Helper()
	if !r.lines.Scan() {
		r.t.Fatalf("the process says nothing: %v", r.lines.Err())
	}
	return r.lines.Text()
}

// order has the process do something, see obey, and waits until that is done.
func (r *restarting) order(what string) (answer string) {
	r.t.Helper()
	if _, err := io.WriteString(r.stdin, what+"\n"); err != nil {
		r.t.Fatal(err)
	}
	return r.line()
}

// obey is all that the process does. It ends when nobody gives orders any more.
func obey(t *testing.T) {
	t.Helper()
	kind := os.Getenv(endEnv)
	if kind == "" {
		return
	}
	fd, err := strconv.Atoi(os.Getenv(keptEnv))
	if err != nil {
		fd = openSocket(t, kind)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := name.(*unix.SockaddrInet4).Port
	fmt.Printf("127.0.0.1:%d\n", port)
	for b, order := make([]byte, len(tlsRecord)), ""; ; fmt.Println("done") {
		if _, err := fmt.Scanln(&order); err != nil {
			os.Exit(0)
		}
		switch order {
		case "exec":
			t.Fatal(unix.Exec("/proc/self/exe", os.Args, append(os.Environ(), keptEnv+"="+strconv.Itoa(fd))))
		case "child": // it inherits the socket
			cmd := exec.Command("sh", "-c", "exec sleep 600")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			fmt.Print(cmd.Process.Pid, " ")
			continue
		}
		conn := fd
		if kind == keepsListener {
			if conn, _, err = unix.Accept(fd); err != nil {
				t.Fatal(err)
			}
		}
		file := os.NewFile(uintptr(conn), "socket")
		if _, err := io.ReadFull(file, b); err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write(b); err != nil {
			t.Fatal(err)
		}
		if kind == keepsListener {
			_ = file.Close()
		}
	}
}

// openSocket opens a socket that an exec does not close.
func openSocket(t *testing.T, kind string) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	addr := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if kind == keepsListener {
		if err = unix.Bind(fd, addr); err == nil {
			err = unix.Listen(fd, 16)
		}
	} else {
		peer := netip.MustParseAddrPort(os.Getenv(peerEnv))
		addr.Port = int(peer.Port())
		err = unix.Connect(fd, addr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// keptConn is what was seen of a connection.
type keptConn struct {
	opens []Open
	bytes [2]map[uint64]int // lengths of segments by offset
}

func (k *keptConn) total(dir int) (n int) {
	for _, size := range k.bytes[dir] {
		n += size
	}
	return n
}

// TestKeptAtExec has a process execute its program again, which goes on with a socket: all of
// what it moves belongs to the process.
func TestKeptAtExec(t *testing.T) {
	obey(t)
	for _, tt := range []struct {
		kind              string
		conns, each, kept int
	}{{keepsConn, 1, 6, 5}, {keepsListener, 6, 1, 0}} {
		t.Run(tt.kind, func(t *testing.T) {
			c := newUnattached(t, Options{BufferSize: 1 << 20, Wire: true, Follow: true})
			if err := c.PacketsWatched(); err != nil {
				t.Skip(err)
			}
			if err := c.Targets.AddTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			ln, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			r, addr := restart(t, tt.kind, ln.Addr().String())
			var peer net.Conn
			talk := func() {
				t.Helper()
				if tt.kind == keepsListener {
					peer, err = net.Dial("tcp", addr)
				} else if peer == nil {
					peer, err = ln.Accept()
				}
				if err == nil {
					t.Cleanup(func() { _ = peer.Close() })
					_, err = io.WriteString(peer, tlsRecord)
				}
				if err != nil {
					t.Fatal(err)
				}
				r.order("echo")
				if _, err := io.ReadFull(peer, make([]byte, len(tlsRecord))); err != nil {
					t.Fatal(err)
				}
			}
			own := func() {
				t.Helper()
				generation, ok := c.Targets.GenerationOf(r.pid)
				if err := c.Sockets.OwnSockets(r.pid, generation, "kept"); err != nil || !ok {
					t.Fatalf("%v, is a target: %v", err, ok)
				}
			}
			restart := func() { r.order("exec") }
			child := func() {
				t.Helper()
				var pid int
				if _, err := fmt.Sscan(r.order("child"), &pid); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = unix.Kill(pid, unix.SIGKILL) })
				for name := ""; name != "sleep"; { // its second program
					b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
					if err != nil {
						t.Fatal(err)
					}
					name = strings.TrimSpace(string(b))
				}
			}
			// User space comes late, or never, or before the next packet, and after the next exec.
			for _, step := range []func(){
				talk, child, restart, child, talk, own, talk, restart, talk, restart, own, talk, restart, restart, child, talk,
			} {
				step()
			}
			conns, kept := readKept(t, c, r.pid)
			if len(conns) != tt.conns || kept != tt.kept {
				t.Errorf("%d connections, kept %d times, want %d, %d", len(conns), kept, tt.conns, tt.kept)
			}
			for _, k := range conns {
				sent, received := k.total(Send), k.total(Recv)
				if want := tt.each * len(tlsRecord); sent != want || received != want {
					t.Errorf("%d bytes sent, %d received, want %d of %d", sent, received, want, want)
				}
				if len(k.opens) != 1 || !k.opens[0].Handshake || k.opens[0].Wire != WireTLS {
					t.Errorf("opened: %+v, want once, at the start", k.opens)
				}
			}
		})
	}
}

// readKept reads the connections of a process, and how many sockets it has kept.
func readKept(t *testing.T, c *Collector, pid int) (conns map[uint64]*keptConn, kept int) {
	t.Helper()
	conns = make(map[uint64]*keptConn)
	get := func(h *Head) *keptConn {
		if h.PID != pid {
			return new(keptConn)
		}
		k := conns[h.Conn]
		if k == nil {
			k = &keptConn{bytes: [2]map[uint64]int{{}, {}}}
			conns[h.Conn] = k
		}
		return k
	}
	readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *SocketLeft:
			if e.PID == pid {
				kept++
			}
		case *Open:
			k := get(&e.Head)
			k.opens = append(k.opens, *e)
		case *Segment:
			if e.PID == pid {
				get(&e.Head).bytes[e.Dir][e.Offset] = len(e.Payload)
			}
		}
	})
	return conns, kept
}
