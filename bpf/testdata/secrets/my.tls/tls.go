// Package tls stands for a fork of crypto/tls: of that it has the function that gets the
// secrets.
package tls

import (
	"bytes"
	"fmt"
	"io"
)

// Config is as in crypto/tls.
type Config struct{ KeyLogWriter io.Writer }

// Derive logs one secret under each label.
func (c *Config) Derive(labels []string) error {
	for i, label := range labels {
		random, secret := bytes.Repeat([]byte{byte(i)}, 32), bytes.Repeat([]byte{0xa0 + byte(i)}, 48)
		if err := c.writeKeyLog(label, random, secret); err != nil {
			return err
		}
	}
	return nil
}

// Odd logs, to nowhere, what no handshake does: lengths that are not those of secrets, and
// then twice what cannot be read.
func (c *Config) Odd(unreadable []byte) error {
	const label = "CLIENT_RANDOM"
	random, secret := make([]byte, 33), make([]byte, 65)
	for _, odd := range []struct {
		label          string
		random, secret []byte
	}{
		{"", random[:32], secret[:48]},
		{label + "_AND_MORE_THAN_IS_EXPECTED", random[:32], secret[:48]},
		{label, random[:31], secret[:48]},
		{label, random, secret[:48]},
		{label, random[:32], nil},
		{label, random[:32], secret},
		{label, unreadable[:32], secret[:48]},
		{label, random[:32], unreadable[:48]},
	} {
		if err := c.writeKeyLog(odd.label, odd.random, odd.secret); err != nil {
			return err
		}
	}
	return nil
}

//go:noinline
func (c *Config) writeKeyLog(label string, clientRandom, secret []byte) error {
	if c.KeyLogWriter == nil {
		return nil
	}
	_, err := c.KeyLogWriter.Write([]byte(fmt.Sprintf("%s %x %x\n", label, clientRandom, secret)))
	return err
}
