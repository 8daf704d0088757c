package record

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/tls"
	"errors"
	"io"
	"testing"
)

// nextSecret is application_traffic_secret_N+1 of RFC 8446 §7.2, written out as
// HMAC: HKDF-Expand of one block.
func nextSecret(h crypto.Hash, secret []byte) []byte {
	label := "tls13 traffic upd"
	info := append([]byte{0, byte(h.Size()), byte(len(label))}, label...)
	mac := hmac.New(h.New, secret)
	mac.Write(append(info, 0, 1))
	return mac.Sum(nil)
}

// sealerOf returns the sealer of an endpoint that has the traffic secret.
func sealerOf(k kind, h crypto.Hash, secret []byte) *sealer {
	expand := func(label string, size int) []byte {
		info := append([]byte{0, byte(size), byte(6 + len(label))}, "tls13 "+label...)
		mac := hmac.New(h.New, secret)
		mac.Write(append(info, 0, 1))
		return mac.Sum(nil)[:size]
	}
	return &sealer{kind: k, keyBytes: expand("key", k.key), ivBytes: expand("iv", 12)}
}

// keyUpdate is the message with update_requested, RFC 8446 §4.6.3.
var keyUpdate = []byte{24, 0, 0, 1, 1}

func TestUpdate(t *testing.T) {
	for _, k := range kinds[:3] {
		t.Run(k.name, func(t *testing.T) {
			suite, _ := SuiteByID(k.suite)
			secret := pattern(suite.info.hash.Size(), 9)
			r, err := NewTLS13(suite, secret)
			if err != nil {
				t.Fatal(err)
			}
			for generation := range 4 {
				s := sealerOf(k, suite.info.hash, secret)
				for number := range uint64(3) {
					content := pattern(100, byte(generation))
					got, typ, err := r.Open(nil, s.seal(ApplicationData, content, number, 0))
					if err != nil || typ != ApplicationData || !bytes.Equal(got, content) {
						t.Fatalf("generation %d, record %d: got %d bytes of %v, error %v", generation, number, len(got), typ, err)
					}
				}
				secret = nextSecret(suite.info.hash, secret)
				early := sealerOf(k, suite.info.hash, secret).seal(ApplicationData, nil, 0, 0)
				if _, _, err := r.Open(nil, early); !errors.Is(err, ErrNotOpened) {
					t.Errorf("record of generation %d before Update: %v", generation+1, err)
				}
				if err := r.Update(); err != nil || r.Number() != 0 {
					t.Fatalf("Update: %v, number %d", err, r.Number())
				}
			}
		})
	}
}

// A Reader of a key alone has no next generation, and keeps this one.
func TestUpdateNoSecret(t *testing.T) {
	for _, k := range kinds {
		s := newSealer(k)
		r := s.reader(t)
		if err := r.Update(); !errors.Is(err, ErrNoSecret) {
			t.Errorf("%s: got %v, want ErrNoSecret", k.name, err)
		}
		if _, _, err := r.Open(nil, s.seal(Handshake, nil, 0, 0)); err != nil {
			t.Errorf("%s: after Update: %v", k.name, err)
		}
	}
}

// crypto/tls updates its keys when a KeyUpdate asks for it. The server's half of
// the conversation is sealed here.
func TestGoKeyUpdate(t *testing.T) {
	var log, sent bytes.Buffer
	clientEnd, serverEnd := loopback(t)
	clientConfig := config(tls.VersionTLS13)
	clientConfig.KeyLogWriter = &log
	client := tls.Client(tap{clientEnd, &sent}, clientConfig)
	serverConfig := config(tls.VersionTLS13)
	serverConfig.SessionTicketsDisabled = true // a ticket would be record 0
	server := tls.Server(serverEnd, serverConfig)
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	sent.Reset()

	c := &conversation{suite: client.ConnectionState().CipherSuite}
	c.readLog(t, log.String())
	suite, _ := SuiteByID(c.suite)
	hash := suite.info.hash
	var k kind
	for _, each := range kinds[:3] {
		if each.suite == c.suite {
			k = each
		}
	}
	own, theirs := c.readers(t, true)[1], c.secrets["SERVER_TRAFFIC_SECRET_0"]
	number := uint64(0) // of the server's next record
	for generation := range 3 {
		stream := sealerOf(k, hash, theirs).seal(Handshake, keyUpdate, number, 0)
		theirs, number = nextSecret(hash, theirs), 1
		stream = append(stream, sealerOf(k, hash, theirs).seal(ApplicationData, []byte("?"), 0, 0)...)
		if _, err := serverEnd.Write(stream); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(client, make([]byte, 1)); err != nil {
			t.Fatalf("generation %d: client: %v", generation, err)
		}
		if _, err := client.Write([]byte("answer")); err != nil {
			t.Fatal(err)
		}
	}
	for i, record := range records(t, sent.Bytes()) {
		got, typ, err := own.Open(nil, record)
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		switch {
		case i%2 == 0 && typ == Handshake && len(got) == 5 && got[0] == 24:
			if err := own.Update(); err != nil {
				t.Fatal(err)
			}
		case i%2 == 1 && typ == ApplicationData && string(got) == "answer":
		default:
			t.Errorf("record %d: got %q of %v", i, got, typ)
		}
	}
	if got := len(records(t, sent.Bytes())); got != 6 {
		t.Errorf("the client sent %d records, want 3 times KeyUpdate and answer", got)
	}
}
