package dns

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"
)

// reply returns a message, built by golang.org/x/net/dns/dnsmessage, and its answers as dig
// +short prints them.
func reply(t *testing.T) ([]byte, []string) {
	m := question(1, "Proxy.Example.", a)
	m.Response = true
	name := dnsmessage.MustNewName("proxy.example.")
	var want []string
	for _, r := range []struct {
		body dnsmessage.ResourceBody
		want string
	}{
		{&dnsmessage.CNAMEResource{CNAME: name}, "proxy.example."},
		{&dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}, "192.0.2.1"},
		{&dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("2001:db8::1").As16()}, "2001:db8::1"},
		{&dnsmessage.NSResource{NS: name}, "proxy.example."},
		{&dnsmessage.PTRResource{PTR: name}, "proxy.example."},
		{&dnsmessage.SRVResource{Priority: 1, Weight: 2, Port: 443, Target: name}, "1 2 443 proxy.example."},
		{&dnsmessage.TXTResource{TXT: []string{"text"}}, "TXT"},
		{&dnsmessage.UnknownResource{Type: 65, Data: []byte{1, 2, 3}}, "TYPE65"},
	} {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 60}, Body: r.body,
		})
		want = append(want, r.want)
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b, want
}

// TestParse cuts a message at every offset. The complete part of it is parsed.
func TestParse(t *testing.T) {
	b, want := reply(t)
	before := 0
	for n := range len(b) + 1 {
		m, err := parse(b[:n:n])
		if err != nil {
			if before > 0 {
				t.Fatalf("%d bytes: %v, while %d answers of fewer bytes were understood", n, err, before)
			}
			continue
		}
		if m.name != "proxy.example" || m.kind != "A" || !m.response || m.rcode != "NOERROR" {
			t.Fatalf("%d bytes: got %+v", n, m)
		}
		if len(m.answers) < before || !slices.Equal(m.answers, want[:len(m.answers)]) {
			t.Fatalf("%d bytes: got answers %q", n, m.answers)
		}
		before = len(m.answers)
	}
	if before != len(want) {
		t.Errorf("got %d answers of the whole message, want %d", before, len(want))
	}
	for name, change := range map[string]func(b []byte){
		"two questions": func(b []byte) { b[5] = 2 },
		"an update":     func(b []byte) { b[2] |= 5 << 3 },
	} {
		b := bytes.Clone(b)
		change(b)
		if m, err := parse(b); err == nil {
			t.Errorf("%s: got %+v, want an error", name, m)
		}
	}
	short := binary.BigEndian.AppendUint16(bytes.Clone(b[:12]), 1) // a name that ends the message
	if m, err := parse(short); err == nil {
		t.Errorf("no question: got %+v, want an error", m)
	}
	b[len(b)-len("\x01\x02\x03")-1] = 0xff // the length of the last record
	if diff := cmp.Diff(want[:len(want)-1], mustParse(t, b).answers); diff != "" {
		t.Errorf("a record that is too long: -want +got:\n%s", diff)
	}
}

func mustParse(t *testing.T, b []byte) *message {
	t.Helper()
	m, err := parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestParseBomb has the longest message, with as many records as fit. Their name has the
// maximum length (RFC 1035 §2.3.4), or it unpacks to 16 KiB. The answers end there.
func TestParseBomb(t *testing.T) {
	for name, tt := range map[string]struct {
		chained bool
		want    int
	}{"long names": {false, maxAnswers}, "too long names": {true, 1}} {
		t.Run(name, func(t *testing.T) {
			b, records := bomb(tt.chained)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m, err := parse(b)
			runtime.ReadMemStats(&after)
			if err != nil || len(m.answers) != tt.want {
				t.Fatalf("got %+v, %v; want %d answers", m, err, tt.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
				t.Errorf("%d records took %d bytes", records, used)
			}
		})
	}
}

// bomb returns a message and the number of its records. The data of the first record has
// names. If they are chained, each name continues with the previous one. The other records
// have the last of these names.
func bomb(chained bool) (b []byte, records uint16) {
	b = make([]byte, headLength, 1<<16)
	binary.BigEndian.PutUint16(b[2:], 0x8000)                                       // a response
	binary.BigEndian.PutUint16(b[4:], 1)                                            // question:
	b = append(b, 0, 0, 1, 0, 1)                                                    // the address of the root
	b = append(b, 0, 0, 99, 0, 1, 0, 0, 0, 0)                                       // a record
	b = binary.BigEndian.AppendUint16(b, uint16(1<<14-2-len(b)))                    // with names for data,
	labels := bytes.Repeat(append([]byte{63}, bytes.Repeat([]byte{'a'}, 63)...), 3) // each of labels
	pointer := len(b)
	b = append(append(b, labels...), 0)
	for chained && len(b)+len(labels)+2 <= 1<<14 { // and the one before
		at := len(b)
		b = binary.BigEndian.AppendUint16(append(b, labels...), 0xc000|uint16(pointer))
		pointer = at
	}
	b = append(b, make([]byte, 1<<14-len(b))...)
	for records = 1; len(b)+12 <= cap(b); records++ {
		b = binary.BigEndian.AppendUint16(b, 0xc000|uint16(pointer))
		b = append(b, 0, 99, 0, 1, 0, 0, 0, 0, 0, 0)
	}
	binary.BigEndian.PutUint16(b[6:], records)
	return b, records
}
