//go:build !forkonly

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
)

func init() { shake = shakeBoth }

// shakeBoth shakes hands in TLS 1.2, and in TLS 1.3.
func shakeBoth(ln net.Listener, w io.Writer) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(err)
	server := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		KeyLogWriter: w,
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		go serve(ln, server)
		client := &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}
		conn, err := tls.Dial("tcp", ln.Addr().String(), client)
		check(err)
		_, err = io.ReadAll(conn)
		check(err)
		conn.Close()
	}
}

func serve(ln net.Listener, config *tls.Config) {
	raw, err := ln.Accept()
	check(err)
	conn := tls.Server(raw, config)
	_, err = conn.Write([]byte("x"))
	check(err)
	check(conn.Close())
}
