package quic

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"h2trace/decoder/tcp"
)

// vector is the sample packets of an RFC. Both RFCs protect the same messages.
type vector struct {
	name    string
	version Version
	keys    [2][3]string // key, iv and hp of client and server
	// client and server are the protected packets. Of the client's, which has 1200 bytes,
	// only the begin and the end with the tag are here: the tag is of all of it.
	clientHeader, clientBegin, clientEnd string
	serverHeader, server                 string
}

var vectors = []vector{
	{
		name: "RFC 9001 Appendix A", version: Version1,
		keys: [2][3]string{
			{"1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"},
			{"cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314"},
		},
		clientHeader: "c300000001088394c8f03e5157080000449e00000002",
		clientBegin: `
			c000000001088394c8f03e5157080000 449e7b9aec34d1b1c98dd7689fb8ec11
			d242b123dc9bd8bab936b47d92ec356c 0bab7df5976d27cd449f63300099f399`,
		clientEnd:    "e221af44860018ab0856972e194cd934",
		serverHeader: "c1000000010008f067a5502a4262b50040750001",
		server: `
			cf000000010008f067a5502a4262b500 4075c0d95a482cd0991cd25b0aac406a
			5816b6394100f37a1c69797554780bb3 8cc5a99f5ede4cf73c3ec2493a1839b3
			dbcba3f6ea46c5b7684df3548e7ddeb9 c3bf9c73cc3f3bded74b562bfb19fb84
			022f8ef4cdd93795d77d06edbb7aaf2f 58891850abbdca3d20398c276456cbc4
			2158407dd074ee`,
	},
	{
		name: "RFC 9369 Appendix A", version: Version2,
		keys: [2][3]string{
			{"8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"},
			{"82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652", "edf6d05c83121201b436e16877593c3a"},
		},
		clientHeader: "d36b3343cf088394c8f03e5157080000449e00000002",
		clientBegin: `
			d76b3343cf088394c8f03e5157080000 449ea0c95e82ffe67b6abcdb4298b485
			dd04de806071bf03dceebfa162e75d6c 96058bdbfb127cdfcbf903388e99ad04`,
		clientEnd:    "a18b2faa745b6fe189cf772a9f84cbfc",
		serverHeader: "d16b3343cf0008f067a5502a4262b50040750001",
		server: `
			dc6b3343cf0008f067a5502a4262b500 4075d92faaf16f05d8a4398c47089698
			baeea26b91eb761d9b89237bbf872630 17915358230035f7fd3945d88965cf17
			f9af6e16886c61bfc703106fbaf3cb4c fa52382dd16a393e42757507698075b2
			c984c707f0a0812d8cd5a6881eaf21ce da98f4bd23f6fe1a3e2c43edd9ce7ca8
			4bed8521e2e140`,
	},
}

// The payloads of both RFCs, that of the client before its padding.
const (
	clientPayload = `
		060040f1010000ed0303ebf8fa56f129 39b9584a3896472ec40bb863cfd3e868
		04fe3a47f06a2b69484c000004130113 02010000c000000010000e00000b6578
		616d706c652e636f6dff01000100000a 00080006001d00170018001000070005
		04616c706e0005000501000000000033 00260024001d00209370b2c9caa47fba
		baf4559fedba753de171fa71f50f1ce1 5d43e994ec74d748002b000302030400
		0d0010000e0403050306030203080408 050806002d00020101001c0002400100
		3900320408ffffffffffffffff050480 00ffff07048000ffff08011001048000
		75300901100f088394c8f03e51570806 048000ffff`
	serverPayload = `
		02000000000600405a020000560303ee fce7f7b37ba1d1632e96677825ddf739
		88cfc79825df566dc5430b9a045a1200 130100002e00330024001d00209d3c94
		0d89690b84d08a60993c144eca684d10 81287c834d5311bcf32bb9da1a002b00
		020304`
	// vectorID is the connection ID that the client chooses for the server.
	vectorID = "8394c8f03e515708"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// padded returns the payload of the client.
func padded(t testing.TB) []byte { return append(unhex(t, clientPayload), make([]byte, 1162-245)...) }

func TestKeys(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			both, err := newKeys(knownVersions[v.version], unhex(t, vectorID))
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range v.keys {
				if got := hex.EncodeToString(both[i].iv[:]); got != want[1] {
					t.Errorf("side %d: iv %s, want %s", i, got, want[1])
				}
			}
			made := vectorKeys(t, v)
			for i := range made {
				sealed := made[i].aead.Seal(nil, made[i].iv[:], []byte("text"), nil)
				if _, err := both[i].aead.Open(nil, both[i].iv[:], sealed, nil); err != nil {
					t.Errorf("side %d: another key: %v", i, err)
				}
				var got, want [16]byte
				both[i].headerProtection.Encrypt(got[:], got[:])
				made[i].headerProtection.Encrypt(want[:], want[:])
				if got != want {
					t.Errorf("side %d: another key of header protection", i)
				}
			}
		})
	}
}

// TestPackets seals and opens the sample packets.
func TestPackets(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			both := vectorKeys(t, v)
			client := seal(both[0], unhex(t, v.clientHeader), 2, padded(t))
			if begin, end := unhex(t, v.clientBegin), unhex(t, v.clientEnd); len(client) != 1200 ||
				!bytes.HasPrefix(client, begin) || !bytes.HasSuffix(client, end) {
				t.Errorf("client: got %x\nwant %x…%x", client, begin, end)
			}
			server := seal(both[1], unhex(t, v.serverHeader), 1, unhex(t, serverPayload))
			if want := unhex(t, v.server); !bytes.Equal(server, want) {
				t.Errorf("server: got %x\nwant %x", server, want)
			}
			f := NewFlow(tcp.NewBudget(1 << 20))
			c := f.Datagram(0, true, client)
			if c == nil || c.Version != v.version || c.ClientHello == nil || c.ClientHello.SNI != "example.com" || len(c.ClientHello.ALPN) != 1 || c.ClientHello.ALPN[0] != "alpn" {
				t.Fatalf("got %+v after the ClientHello", c)
			}
			if got := f.Datagram(0, false, unhex(t, v.server)); got != c || c.ServerHello == nil || c.ServerHello.CipherSuite != 0x1301 {
				t.Errorf("got %+v after the ServerHello", got)
			}
		})
	}
}
