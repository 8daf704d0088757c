//go:build linux

package trace

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"testing"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// seenBy replays the connection of a client once for each process, and returns which of
// them print what is inside. The client derives the secrets.
func (f *fetched) seenBy(t *testing.T, client int, pids ...int) (opened []int) {
	t.Helper()
	var out bytes.Buffer
	table := newTestTable(t, &out)
	headOf := func(i int, at ktime.Time) bpf.Head {
		return bpf.Head{Time: at, PID: pids[i], Conn: 1<<62 | uint64(i+1)}
	}
	for i := range pids {
		table.open(&bpf.Open{
			Head: headOf(i, 1000), Wire: bpf.WireTLS, Role: bpf.RoleClient, Handshake: true,
			Local: netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(i)), Remote: netip.MustParseAddrPort("192.0.2.2:443"),
		})
	}
	for n, segment := range f.segments {
		if n == 2 {
			for _, s := range f.secrets {
				s.PID, s.Secret = client, bytes.Clone(s.Secret)
				table.secret(&s)
			}
		}
		for i := range pids {
			segment.Head = headOf(i, ktime.Time(2000+n))
			table.segment(&segment)
		}
	}
	for _, c := range table.byID {
		if c.event.Protocol != "" {
			opened = append(opened, c.meta.PID)
		}
	}
	slices.Sort(opened)
	if err := table.endAll(); err != nil {
		t.Fatal(err)
	}
	return opened
}

// TestRelay has a relay pass TLS on: what is inside is none of its own. A secret of a
// process without such a connection is for whoever has the socket now.
func TestRelay(t *testing.T) {
	f := fetch(t, []string{"/a"}, func(*tls.Config) {})
	for _, tt := range []struct {
		name string
		pids []int
		want []int
	}{
		{"client and relay", []int{7, 8, 8}, []int{7}},
		{"both ends in a process", []int{7, 7}, []int{7, 7}},
		{"socket of another process", []int{8}, []int{8}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := f.seenBy(t, 7, tt.pids...); !slices.Equal(got, tt.want) {
				t.Errorf("opened for %v, want %v", got, tt.want)
			}
		})
	}
}

// TestKeyringBounds has handshakes whose connection is never seen, connections that send
// the same ClientHello, and one that sends many.
func TestKeyringBounds(t *testing.T) {
	k := newKeyring()
	secret := func(i int, at ktime.Time) *bpf.Secret {
		return &bpf.Secret{Head: bpf.Head{Time: at, PID: 7}, Label: bpf.LabelMaster, ClientRandom: random{byte(i), byte(i >> 8)}, Secret: []byte{1}}
	}
	for i := range 3 * maxSessions {
		k.take(secret(i, 1000))
	}
	if len(k.secrets) != maxSessions || len(k.order) != maxSessions {
		t.Errorf("%d secrets of %d sessions are kept", len(k.secrets), len(k.order))
	}
	kept := k.secrets[k.order[0].random][0].value
	if k.expire(ktime.Time(1000).Add(2 * secretKept)); len(k.secrets)+len(k.order) != 0 || kept[0] != 0 {
		t.Errorf("%d secrets are kept for connections that do not come, one is %v", len(k.secrets), kept)
	}
	var conns []*tracedConn
	for range 3 * maxSessionConns {
		conns = append(conns, &tracedConn{connInfo: connInfo{scheme: fmt.Sprint(len(conns))}})
		k.enter(random{}, conns[len(conns)-1])
	}
	if got := k.take(secret(0, 1000)); len(got) != maxSessionConns {
		t.Errorf("a secret is for %d connections", len(got))
	}
	for _, c := range conns {
		k.leave(random{}, c)
	}
	if len(k.conns)+len(k.secrets) != 0 {
		t.Errorf("%d sessions without connection are kept", len(k.conns))
	}
}

// TestManyHellos has a client send one ClientHello after the other.
func TestManyHellos(t *testing.T) {
	hello := fetch(t, []string{"/a"}, func(*tls.Config) {}).segments[0]
	table := newTestTable(t, &bytes.Buffer{})
	head := bpf.Head{Time: 1000, PID: 7, Conn: 1<<62 | 5}
	table.open(&bpf.Open{Head: head, Wire: bpf.WireTLS, Role: bpf.RoleClient, Handshake: true})
	for i := range 1000 {
		hello.Head, hello.Payload = head, bytes.Clone(hello.Payload)
		hello.Payload[11], hello.Payload[12] = byte(i), byte(i>>8) // of the client random
		table.segment(&hello)
		hello.Offset += uint64(len(hello.Payload))
	}
	if n := len(table.ciphers.keys.conns); n != maxHandshakes {
		t.Errorf("secrets of %d handshakes are waited for", n)
	}
	if err := table.endAll(); err != nil {
		t.Fatal(err)
	}
	if n := len(table.ciphers.keys.conns); n != 0 {
		t.Errorf("secrets of %d handshakes are waited for after the end", n)
	}
}

// TestStrays has sessions without packets. Those of connections that calls show from their
// start are no strays.
func TestStrays(t *testing.T) {
	table := newTestTable(t, io.Discard)
	table.ciphers.wanted = true
	session := func(pid int, r byte) {
		table.secret(&bpf.Secret{Head: bpf.Head{PID: pid, Time: 1}, ClientRandom: random{r}, Label: "CLIENT_RANDOM", Secret: make([]byte, 48)})
	}
	table.open(&bpf.Open{Head: bpf.Head{PID: 1, Conn: 1}, Handshake: true})
	session(1, 1) // of that
	session(1, 2)
	session(2, 3)
	table.open(&bpf.Open{Head: bpf.Head{PID: 2, Conn: 2}, Handshake: true})
	table.forget(2)
	session(2, 4)
	if table.ciphers.wipe(); table.ciphers.keys.strays != 3 {
		t.Errorf("%d strays, want 3", table.ciphers.keys.strays)
	}
}
