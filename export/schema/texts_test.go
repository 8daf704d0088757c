package schema

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// open is a line with an address, to vary.
const open = head + `"conn"` + onConn + `,"action":"open","local":"127.0.0.1:5","remote":"[::1]:443","role":"client","protocol":"h2","joined":"start","tls":null,"dns_ms":null,"connect_ms":0.120,"tls_ms":null,"name":"a.example","via":null,"source":"wire"}`

// TestEndpoints compares which addresses the schema takes with those that netip takes, and
// prints so.
func TestEndpoints(t *testing.T) {
	var doc struct {
		Defs map[string]struct{ Pattern string } `json:"$defs"`
	}
	if err := json.Unmarshal(JSON, &doc); err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(doc.Defs["endpoint_or_null"].Pattern)
	check := func(s string) {
		t.Helper()
		addr, err := netip.ParseAddrPort(s)
		want := err == nil && addr.String() == s
		if got := pattern.MatchString(s); got != want {
			t.Errorf("%s is taken: %t, netip: %t", s, got, want)
		}
	}
	for _, s := range []string{
		"999.1.1.1:1", "1.2.3.256:1", "1.2.3.04:1", "1.2.3:1", "1.2.3.4.5:1", "1.2.3.4:65535", "1.2.3.4:65536", "1.2.3.4:99999",
		"1.2.3.4:0", "1.2.3.4:", "1.2.3.4", "::1:443", "[1.2.3.4]:1", "[:]:1", "[.]:1", "[]:1", "[1:::2]:1", "[12345::]:1",
		"[1:2:3:4:5:6:7]:1", "[1:2:3:4:5:6:7:8]:1", "[1:2:3:4:5:6:7:8:9]:1", "[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.456]:1",
		"[fe80::1%eth0]:1", "[fe80::1%]:1", "[ff02::]:1", "[::]:1",
	} {
		check(s)
	}
	for port := range 1 << 16 {
		if port%97 == 0 || port > 65500 || port < 100 {
			check("10.0.0.1:" + strconv.Itoa(port))
		}
	}
	for n := range 256 {
		check(fmt.Sprintf("%d.%d.0.%d:1", n, 255-n, n/2))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var b [16]byte
		for i := range 8 { // groups of zeros are what is left out
			if r.IntN(2) == 0 {
				b[2*i], b[2*i+1] = byte(r.IntN(256)), byte(r.IntN(256))
			}
		}
		check(netip.AddrPortFrom(netip.AddrFrom16(b), uint16(r.IntN(1<<16))).String())
	}
}

// TestFingerprintTexts puts strings that the schema takes at one place or at none into each
// place of lines.
func TestFingerprintTexts(t *testing.T) {
	fresh, used := validator(t), validator(t)
	texts := []string{
		"", "c1", "c12", "c0", "d1", "1.2.3.4:5", "1.2.3.400:5", "[::1]:2", "send", "recv", "DATA", "UNKNOWN_0x2a", "UNKNOWN_0x2g", "END_STREAM",
		"0x40", "0x30", "0001020304050607", "000102030405060g", "YQ==", "YQ=", "YWJj", "SIGINT", "SIG", "AAAA", "deadbeef", "QUIC v1", "QUIC v3",
		"NO_ERROR", "NO_ERRORS", "h2", "http/1.0", "2026-01-02T03:04:05.000000006Z", "2026-13-02T03:04:05.000000006Z", "2026-01-02t03:04:05.000000006z",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", `\u0041`, `\ud800`, "é", "\xff", "process", "frame", "loss", "wire", "hit", "open", "close",
	}
	for _, line := range []string{
		open,
		strings.Replace(open, `"open"`, `"close"`, 1),
		frameLineOf(`,"dir":"send","stream":1,"type":"HEADERS","flags":["END_HEADERS"],"length":3,"headers":[{"name":":path","value":"/"},{"name":"x","value":"\ufffd","value_b64":"/w=="}]`),
		frameLineOf(`,"dir":"recv","stream":0,"type":"PING","flags":["ACK"],"length":8,"ack":true,"opaque":"0001020304050607"`),
		head + `"process"` + process + `,"action":"attached","ppid":1,"exe":"/bin/go","container":"ab","plan":{"read":"x"},"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}`,
	} {
		for at := 0; at < len(line); at++ {
			if line[at] != '"' {
				continue
			}
			end := stringEnd([]byte(line), at)
			if isKey([]byte(line), end) {
				at = end - 1
				continue
			}
			for _, s := range texts {
				varied := []byte(line[:at+1] + s + line[end-1:])
				if got, want := used.Line(varied), fresh.check(varied); (got == nil) != (want == nil) {
					t.Fatalf("%s\nremembered: %v\nchecked: %v", varied, got, want)
				}
			}
			at = end - 1
		}
	}
	a, _ := used.prints.of([]byte(open))
	first := string(a)
	b, _ := used.prints.of([]byte(strings.NewReplacer("c1", "c234", "127.0.0.1:5", "10.1.2.3:4567", "a.example", "b.example").Replace(open)))
	if first != string(b) {
		t.Errorf("two connections are not alike:\n%q\n%q", first, b)
	}
}
