package record

import (
	"errors"
	"strings"
	"testing"
)

// A suite of another version, or an unknown one, is refused by its number.
func TestUnsupportedSuite(t *testing.T) {
	for _, test := range []struct {
		id   uint16
		make func(Suite) error
		want string
	}{
		{0x1304, new13, "0x1304 is not supported in TLS 1.3"},
		{0xc02f, new13, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is not supported in TLS 1.3"},
		{0x0005, new12, "0x0005 is not supported in TLS 1.2"},
		{0x1301, new12, "TLS_AES_128_GCM_SHA256 is not supported in TLS 1.2"},
		{0xc013, newKey(TLS12), "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA is not supported in TLS 1.2"},
		{0x1301, newKey(TLS12), "TLS_AES_128_GCM_SHA256 is not supported in TLS 1.2"},
		{0x1301, newKey(0x0302), "TLS_AES_128_GCM_SHA256 is not supported in TLS version 0x0302"},
		{0xffff, newKey(0), "0xffff is not supported in TLS version 0x0000"},
	} {
		suite, _ := SuiteByID(test.id)
		err := test.make(suite)
		var unsupported *UnsupportedSuiteError
		if !errors.As(err, &unsupported) || unsupported.ID != test.id || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("%#04x: got %v, want %s", test.id, err, test.want)
		}
	}
}

func new13(s Suite) error { _, err := NewTLS13(s, make([]byte, 32)); return err }

func new12(s Suite) error {
	_, _, err := NewTLS12(s, make([]byte, 48), make([]byte, 32), make([]byte, 32))
	return err
}

func newKey(v Version) func(Suite) error {
	return func(s Suite) error { _, err := NewKey(v, s, make([]byte, 16), make([]byte, 12)); return err }
}

// Key material of a wrong length is refused, and panics nowhere.
func TestKeyLengths(t *testing.T) {
	for id := range suites {
		suite, _ := SuiteByID(id)
		for size := range 70 {
			b := make([]byte, size)
			_, err := NewTLS13(suite, b)
			check := func(what string, err error, right bool) {
				t.Helper()
				if (err == nil) != right {
					t.Errorf("%v, %s of %d bytes: %v", suite, what, size, err)
				}
			}
			is13 := suite.Version() == TLS13
			check("secret", err, is13 && size == suite.info.hash.Size())
			_, _, err = NewTLS12(suite, b, make([]byte, 32), make([]byte, 32))
			check("master secret", err, !is13 && size == 48)
			_, _, err = NewTLS12(suite, make([]byte, 48), b, make([]byte, 32))
			check("client random", err, !is13 && size == 32)
			_, _, err = NewTLS12(suite, make([]byte, 48), make([]byte, 32), b)
			check("server random", err, !is13 && size == 32)
			_, err = NewKey(suite.Version(), suite, b, make([]byte, suite.info.ivSize()))
			check("key", err, suite.info.mac == 0 && size == suite.info.key)
			_, err = NewKey(suite.Version(), suite, make([]byte, suite.info.key), b)
			check("IV", err, suite.info.mac == 0 && size == suite.info.ivSize())
		}
	}
}

// The constructors keep no slice of the caller.
func TestCopies(t *testing.T) {
	suite, _ := SuiteByID(0x1301)
	secret := pattern(32, 1)
	r, err := NewTLS13(suite, secret)
	if err != nil {
		t.Fatal(err)
	}
	s := sealerOf(kinds[0], suite.info.hash, nextSecret(suite.info.hash, secret))
	clear(secret)
	if err := r.Update(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Open(nil, s.seal(Handshake, nil, 0, 0)); err != nil {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	for typ, want := range map[ContentType]string{
		Invalid: "invalid", ChangeCipherSpec: "change_cipher_spec", Alert: "alert",
		Handshake: "handshake", ApplicationData: "application_data", 24: "content_type(24)",
	} {
		if got := typ.String(); got != want {
			t.Errorf("%d: got %s, want %s", typ, got, want)
		}
	}
	err := (&LengthError{What: "key", Got: 3, Want: 16}).Error()
	if want := "key of 3 bytes, want 16"; err != want {
		t.Errorf("got %s, want %s", err, want)
	}
}
