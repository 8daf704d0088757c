package schema

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
)

// like are lines to vary: each of them is valid.
var like = []string{
	summary,
	head + `"process"` + process + `,"action":"exit","ppid":1,"exe":null,"exit_code":-1,"duration_ms":0.000,"cpu_ms":1.500}`,
	head + `"stall"` + onConn + `,"stream":2147483647,"side":"recv_window","window":-3,"start":"2026-01-02T03:04:05.000000006Z","stall_ms":7.000,"ended_by":"DATA"}`,
	frameLineOf(`,"dir":"send","stream":1,"type":"WINDOW_UPDATE","flags":[],"length":16777215,"increment":1`),
	frameLineOf(`,"dir":"send","stream":0,"type":"SETTINGS","flags":[],"length":6,"settings":{"MAX_FRAME_SIZE":16384},"ack":false`),
	frameLineOf(`,"dir":"send","stream":1,"type":"RST_STREAM","flags":[],"length":3,"error":null,"error_code":null`),
	frameLineOf(`,"dir":"send","stream":1,"type":"PRIORITY","flags":["0x40"],"length":5,"priority":{"depends_on":0,"weight":256,"exclusive":false}`),
}

// TestFingerprint tests which lines are alike.
func TestFingerprint(t *testing.T) {
	v := validator(t)
	of := func(line string) string {
		t.Helper()
		b, ok := v.prints.of([]byte(line))
		if !ok {
			t.Fatalf("no fingerprint of %s", line)
		}
		return string(b)
	}
	for _, tt := range []struct {
		a, b  string
		alike bool
	}{
		{`{"ts":"2026-01-02T03:04:05.000000006Z"}`, `{"ts":"2027-12-31T23:59:59.999999999Z"}`, true},
		{`{"ts":"2026-01-02T03:04:05.000000006Z"}`, `{"ts":"2026-13-02T03:04:05.000000006Z"}`, false},
		{`{"ts":"2026-01-02T03:04:05.000000006Z"}`, `{"ts":"2026-01-02T03:04:05.000000006z"}`, false},
		{`[300,17,4294967296]`, `[301,18,5294967296]`, true},
		{`[255]`, `[254]`, false},
		{`[255]`, `[256]`, false},
		{`[-3]`, `[-30]`, true},
		{`[-3]`, `[3]`, false},
		{`[0.001]`, `[0.999]`, true},
		{`[0.000]`, `[0.001]`, false},
		{`[5]`, `[5.000]`, false},
		{`[5.0]`, `[5.000]`, false},
		{`[5.000]`, `[5e0]`, false},
		{`["a5"]`, `["a6"]`, true},
		{`["a5"]`, `["g5"]`, false}, // in hex, as ids of containers are
		{`["5"]`, `[5]`, false},
		{`["x"05]`, `["y"05]`, true},
		{`["x"05]`, `["x"005]`, false},
		{`{"x":"YQ=="}`, `{"x":"YQ="}`, true},
		{`{"x_b64":"YQ=="}`, `{"x_b64":"YQ="}`, false},
		{`{"x_b64":["YQ=="]}`, `{"x_b64":["YQ="]}`, false},
		{`["\"5"]`, `["\"6"]`, false},
		{`[16777215]`, `[16777216]`, false},
		{`[05]`, `[06]`, false},
	} {
		if (of(tt.a) == of(tt.b)) != tt.alike {
			t.Errorf("%s and %s: alike is not %t", tt.a, tt.b, tt.alike)
		}
	}
	if _, ok := v.prints.of([]byte("[\x14]")); ok {
		t.Error("a control character has a fingerprint")
	}
}

// FuzzFingerprint replaces a part of a line that a Validator has taken, and compares what
// it says then with what one says that has seen no line.
func FuzzFingerprint(f *testing.F) {
	for i := range like {
		f.Add(uint8(i), uint16(60), uint16(4), "1")
		f.Add(uint8(i), uint16(0), uint16(0), "")
	}
	f.Add(uint8(2), uint16(80), uint16(1), "4294967296")
	f.Add(uint8(1), uint16(130), uint16(1), ".000")
	f.Add(uint8(3), uint16(20), uint16(2), "99")
	fresh, used := validator(f), validator(f)
	f.Fuzz(func(t *testing.T, which uint8, at, length uint16, text string) {
		line := []byte(like[int(which)%len(like)])
		if err := used.Line(line); err != nil {
			t.Fatal(err)
		}
		begin := min(int(at), len(line))
		end := min(begin+int(length), len(line))
		varied := append(append(line[:begin:begin], text...), line[end:]...)
		if got, want := used.Line(varied), fresh.check(varied); (got == nil) != (want == nil) {
			t.Errorf("%s\nafter %s\nremembered: %v\nchecked: %v", varied, line, got, want)
		}
	})
}

// TestFingerprintNumbers puts numbers around every bound into every place of lines.
func TestFingerprintNumbers(t *testing.T) {
	fresh, used := validator(t), validator(t)
	numbers := []string{"null", "-0", "01", "1.", "1.50", "1e3", "-1.500", "99999999999999999999", "9999999999.001"}
	for _, bound := range used.prints.bounds {
		for _, near := range []int64{bound - 1, bound, bound + 1} {
			one := strconv.FormatInt(near, 10)
			numbers = append(numbers, one, one+".000", one+".001")
		}
	}
	for _, line := range like {
		for at := 0; at < len(line); at++ {
			if line[at] != ':' {
				continue
			}
			end := at + 1 + strings.IndexAny(line[at+1:], ",}")
			for _, n := range numbers {
				varied := []byte(line[:at+1] + n + line[end:])
				if bytes.IndexByte([]byte("-0123456789"), line[at+1]) < 0 {
					continue
				}
				if got, want := used.Line(varied), fresh.check(varied); (got == nil) != (want == nil) {
					t.Fatalf("%s\nremembered: %v\nchecked: %v", varied, got, want)
				}
			}
		}
	}
}
