package tls_test

import (
	"bytes"
	gotls "crypto/tls"
	"testing"
	"time"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// fakes returns n bytes that look like the header of a long record at every fifth byte,
// and the end of each like the header of another.
func fakes(n int) []byte { return bytes.Repeat([]byte{23, 3, 3, 0x40, 0x10}, n/5) }

// fakeSuites are suites that differ in what it costs to try a record.
func fakeSuites() []scenario {
	tls12 := func(id uint16) func(*gotls.Config) {
		return func(c *gotls.Config) { c.MaxVersion, c.CipherSuites = gotls.VersionTLS12, []uint16{id} }
	}
	return []scenario{
		tls13,
		{name: "GCM12", client: tls12(gotls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)},
		{name: "ChaCha20", client: tls12(gotls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)},
		{name: "CBC", client: tls12(gotls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA)},
	}
}

// attack opens a conversation, and then times has a gap and fakes before each of its last
// records. It returns how long that took.
func attack(b testing.TB, conv *conversation, times, size int) time.Duration {
	records := conv.records()
	c, r := newConn(conv), &result{}
	r.tell(c, conv)
	rubbish := fakes(size)
	start := time.Now()
	for i, record := range records {
		if left := len(records) - i; record.dir == decoder.Recv && left > 8 && left <= 8+times {
			c.Missing(ktime.Time(i+1), record.dir, 1)
			c.Data(ktime.Time(i+1), record.dir, rubbish)
			r.drain(c)
		}
		c.Data(ktime.Time(i+1), record.dir, record.b)
		r.drain(c)
	}
	return time.Since(start)
}

// BenchmarkFakes has a peer send what looks like records, so that a search is expensive.
// The time of one direction is bounded, however much of that comes.
func BenchmarkFakes(b *testing.B) {
	for _, s := range fakeSuites() {
		conv := s.record(b, []int{100, 8 << 20, 100, 100})
		for _, bm := range []struct {
			name        string
			times, size int
		}{{"once", 1, 1 << 20}, {"often", 400, 15_000}} {
			b.Run(s.name+"/"+bm.name, func(b *testing.B) {
				b.SetBytes(int64(bm.times * bm.size))
				for b.Loop() {
					attack(b, conv, bm.times, bm.size)
				}
			})
		}
	}
}
