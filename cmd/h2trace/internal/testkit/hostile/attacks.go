package hostile

import (
	"crypto/tls"
	"iter"

	"h2trace/cmd/h2trace/internal/testkit/wiretap"
	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
)

// Traffic is the packets of an attack, and the session secrets that open what they carry.
type Traffic struct {
	Packets iter.Seq[*capture.Packet] // valid until the next one
	Secrets []byte
}

// Attack is a way in which traffic may be hostile.
type Attack struct {
	Name string
	N    int
	Of   func(n int) (Traffic, error)
}

// Attacks returns each conversation without TLS, without its first bytes, in records of TLS that
// open and in records that do not; and the floods. TLS has a certificate.
func Attacks(cert tls.Certificate) (list []Attack) {
	for _, c := range Conversations {
		plain := func(start bool) func(n int) (Traffic, error) {
			return func(n int) (Traffic, error) { return Traffic{Packets: c.Of(n).Packets(40000, start)}, nil }
		}
		sealed := func(opens bool) func(n int) (Traffic, error) {
			return func(n int) (t Traffic, err error) {
				packets, secrets, err := c.Of(n).Sealed(cert)
				if t.Packets = captured(packets); opens {
					t.Secrets = secrets
				}
				return t, err
			}
		}
		list = append(list, Attack{c.Name, c.N, plain(true)}, Attack{c.Name + ", joined", c.N, plain(false)},
			Attack{c.Name + ", in TLS", c.N, sealed(true)})
		if len(list) == 3 { // what does not open is all alike
			list = append(list, Attack{c.Name + ", in TLS that does not open", c.N, sealed(false)})
		}
	}
	for _, f := range Floods {
		list = append(list, Attack{f.Name, f.N, func(n int) (Traffic, error) { return Traffic{Packets: f.Of(n)}, nil }})
	}
	return list
}

// captured returns packets as a capture has them.
func captured(list []wiretap.Packet) iter.Seq[*capture.Packet] {
	return func(yield func(*capture.Packet) bool) {
		framing := &wiretap.Framings[0]
		for i := range list {
			b := framing.Bytes(&list[i])
			at := ktime.Time(list[i].Time.UnixNano())
			if !yield(&capture.Packet{Time: at, Link: capture.LinkEthernet, Data: b, Length: len(b)}) {
				return
			}
		}
	}
}
