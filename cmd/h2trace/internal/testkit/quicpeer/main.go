// Command quicpeer is a client or a server of QUIC for tests.
//
//	quicpeer serve            prints its address, and serves until stdin ends
//	quicpeer ask ADDR HOST…   asks for one host after the other, and prints its address
//
// A server sends back what it gets on a stream. A client sends size bytes.
package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"os"
	"time"

	"golang.org/x/net/quic"
)

const size = 100_000

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	if len(os.Args) > 3 && os.Args[1] == "ask" {
		err = ask(ctx, os.Args[2], os.Args[3:])
	} else {
		err = serve(ctx)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// ask has a socket for each host.
func ask(ctx context.Context, address string, hosts []string) error {
	for _, host := range hosts {
		e, err := quic.Listen("udp", "localhost:0", nil)
		if err != nil {
			return err
		}
		if err := askOne(ctx, e, address, host); err != nil {
			return err
		}
		fmt.Println(e.LocalAddr())
		if err := e.Close(ctx); err != nil {
			return err
		}
	}
	return nil
}

func askOne(ctx context.Context, e *quic.Endpoint, address, host string) error {
	conn, err := e.Dial(ctx, "udp", address, &quic.Config{TLSConfig: &tls.Config{
		ServerName: host, NextProtos: []string{"h3", "echo"}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13,
	}})
	if err != nil {
		return err
	}
	s, err := conn.NewStream(ctx)
	if err != nil {
		return err
	}
	question := bytes.Repeat([]byte("q"), size)
	if _, err := s.Write(question); err != nil {
		return err
	}
	s.CloseWrite()
	answer, err := io.ReadAll(s)
	if err != nil {
		return err
	}
	if !bytes.Equal(answer, question) {
		return fmt.Errorf("got %d other bytes", len(answer))
	}
	_ = conn.Close() // the answer of the server to it
	return nil
}

func serve(ctx context.Context) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	e, err := quic.Listen("udp", "localhost:0", &quic.Config{TLSConfig: &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		NextProtos:   []string{"echo"}, MinVersion: tls.VersionTLS13,
	}})
	if err != nil {
		return err
	}
	fmt.Println(e.LocalAddr())
	go accept(ctx, e)
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return e.Close(ctx)
}

func accept(ctx context.Context, e *quic.Endpoint) {
	for {
		conn, err := e.Accept(ctx)
		if err != nil {
			return
		}
		go func() {
			s, err := conn.AcceptStream(ctx)
			if err != nil {
				return
			}
			_, _ = io.Copy(s, s) // the client says what is missing
			s.CloseWrite()
			_ = conn.Wait(ctx) // for the client to close it
			_ = conn.Close()
		}()
	}
}
