package record

import (
	"crypto"
	"crypto/hmac"
)

const (
	masterSecretSize = 48 // RFC 5246 §8.1
	randomSize       = 32 // RFC 5246 §7.4.1.2
)

// NewTLS12 makes the Readers of both directions of a connection. Client opens
// what the client sent. The randoms are those of ClientHello and ServerHello.
// The master secret is as a key log has it, extended (RFC 7627) or not. Number 0
// is the first record after change_cipher_spec.
func NewTLS12(suite Suite, masterSecret, clientRandom, serverRandom []byte) (client, server *Reader, err error) {
	info := suite.info
	if info.version != TLS12 {
		return nil, nil, &UnsupportedSuiteError{ID: suite.id, Version: TLS12}
	}
	if err := checkLength("master secret", masterSecret, masterSecretSize); err != nil {
		return nil, nil, err
	}
	if err := checkLength("client random", clientRandom, randomSize); err != nil {
		return nil, nil, err
	}
	if err := checkLength("server random", serverRandom, randomSize); err != nil {
		return nil, nil, err
	}
	seed := append([]byte("key expansion"), serverRandom...)
	seed = append(seed, clientRandom...)
	macSize := 0
	if info.mac != 0 {
		macSize = info.mac.Size()
	}
	block := pHash(info.hash, masterSecret, seed, 2*(macSize+info.key+info.ivSize()))
	defer clear(block)

	// RFC 5246 §6.3: MAC keys, keys and IVs, the client's first each time.
	rest := block
	cut := func(size int) []byte {
		part := rest[:size]
		rest = rest[size:]
		return part
	}
	clientMAC, serverMAC := cut(macSize), cut(macSize)
	clientKey, serverKey := cut(info.key), cut(info.key)
	clientIV, serverIV := cut(info.ivSize()), cut(info.ivSize())
	if client, err = newReader12(suite, clientMAC, clientKey, clientIV); err != nil {
		return nil, nil, err
	}
	if server, err = newReader12(suite, serverMAC, serverKey, serverIV); err != nil {
		return nil, nil, err
	}
	return client, server, nil
}

func newReader12(suite Suite, mac, key, iv []byte) (*Reader, error) {
	r := &Reader{suite: suite, version: TLS12}
	var err error
	if suite.info.mac == 0 {
		r.opener, err = newAEAD(suite.info, key, iv)
	} else {
		r.opener, err = newCBC(suite.info, mac, key)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// pHash is P_hash of RFC 5246 §5, which is the PRF of TLS 1.2 when the seed
// begins with the label.
func pHash(h crypto.Hash, secret, seed []byte, size int) []byte {
	mac := hmac.New(h.New, secret)
	out := make([]byte, 0, size+mac.Size())
	mac.Write(seed)
	a := mac.Sum(nil) // A(1)
	defer clear(a)
	for len(out) < size {
		mac.Reset()
		mac.Write(a)
		mac.Write(seed)
		out = mac.Sum(out)
		mac.Reset()
		mac.Write(a)
		a = mac.Sum(a[:0])
	}
	clear(out[size:])
	return out[:size]
}
