package scan

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// objects are seeds: events, and JSON that h2trace does not write.
var objects = []string{
	`{"v":1,"event":"frame","dir":"send","length":16384,"headers":[{"name":":path","value":"/a\"b"}],"flags":["END_STREAM"],"window":null}`,
	`{"v":1,"event":"exchange","error":{"class":"aborted","detail":"a\\"},"total_ms":0.398}`,
	"{ \"a\" :\t1\t, \"b\"\r:\r[ 1 , {\"c\":\"]\"} ]\t}",
	`{}`, `{"a":"\\\\\"","a":2}`, `{"a":{"b":[]}}`, `{"a":1`, `{"a"}`, `[]`,
}

// member is a member of an object: its key, and its value in compact form.
type member struct{ Key, Value string }

// membersByJSON returns the members of an object by encoding/json.
func membersByJSON(t *testing.T, b []byte) (list []member) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		t.Fatalf("%q: begins with %v, %v", b, token, err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		list = append(list, member{key.(string), string(v)})
	}
	return list
}

// FuzzMembers compares the members of an object, and the elements of the arrays in it, with those
// of encoding/json. What is not JSON only has to be taken apart within its bounds.
func FuzzMembers(f *testing.F) {
	for _, s := range objects {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var got []member
		sum := 0
		ok := Members(b, func(key, value []byte) {
			sum += len(key) + len(value)
			got = append(got, member{textOf(key), string(value)})
		})
		if sum > len(b) {
			t.Fatalf("members of %d bytes in %d", sum, len(b))
		}
		if !json.Valid(b) || bytes.IndexByte(b, '\n') >= 0 { // a line has no more than its end
			return
		}
		if object := bytes.TrimLeft(b, " \t\r")[0] == '{'; !object || !ok {
			if object != ok {
				t.Fatalf("%q is an object: %v, want %v", b, ok, object)
			}
			return
		}
		if diff := cmp.Diff(membersByJSON(t, b), got); diff != "" {
			t.Fatalf("%q: -encoding/json +got:\n%s", b, diff)
		}
		for _, m := range got {
			sameElements(t, []byte(m.Value))
		}
	})
}

// textOf returns a key, which has no quotes.
func textOf(key []byte) string {
	var s string
	if json.Unmarshal(append(append([]byte{'"'}, key...), '"'), &s) != nil {
		return string(key)
	}
	return s
}

func sameElements(t *testing.T, v []byte) {
	t.Helper()
	var want []json.RawMessage
	if v[0] != '[' {
		if Elements(v, func([]byte) {}) {
			t.Fatalf("%q is no array", v)
		}
		return
	}
	if err := json.Unmarshal(v, &want); err != nil {
		t.Fatal(err)
	}
	var got []json.RawMessage
	if !Elements(v, func(e []byte) { got = append(got, e) }) || len(got) != len(want) {
		t.Fatalf("%q has %d elements, want %d", v, len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(want[i], got[i]) {
			t.Fatalf("%q: element %d is %q, want %q", v, i, got[i], want[i])
		}
	}
}

// FuzzText compares strings with those of encoding/json.
func FuzzText(f *testing.F) {
	for _, s := range []string{`""`, `"a"`, `"\u00e9\n"`, `"\ud83d\ude00"`, `"\ud83d"`, `null`, `"a`, `"`, `1`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		got, want := Text(v), ""
		if err := json.Unmarshal(v, &want); err == nil && v[0] == '"' && v[len(v)-1] == '"' && utf8.Valid(v) {
			if got != want {
				t.Errorf("%q: got %q, want %q", v, got, want)
			}
			if end := StringEnd(v, 0); end != len(v) {
				t.Errorf("%q ends at %d", v, end)
			}
		}
		if Is(v, got) != (len(v) == len(got)+2 && v[0] == '"') {
			t.Errorf("%q is not %q", v, got)
		}
	})
}

// FuzzNumbers compares numbers of JSON with those of strconv.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"0", "7", "-1", "0.398", "12345.678", "999999999999.999", "1e3", "-0.001", "9223372036854775807", "9223372036854775808"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var number json.Number
		if json.Unmarshal([]byte(s), &number) != nil || number == "" || string(number) != s {
			return
		}
		want, err := strconv.ParseInt(s, 10, 64)
		if got, ok := Integer([]byte(s)); ok != (err == nil) || ok && got != want {
			t.Errorf("%s: got %d, %v, want %d, %v", s, got, ok, want, err)
		}
		ms, err := strconv.ParseFloat(s, 64)
		got, ok := Millis([]byte(s))
		if known := err == nil && math.Abs(ms) <= 1e12; ok != known {
			t.Errorf("%s: known %v, want %v", s, ok, known)
		}
		if off := math.Abs(float64(got) - ms*1e6); ok && off > 0.5+math.Abs(ms)*1e6/(1<<50) {
			t.Errorf("%s ms: got %d ns", s, got)
		}
	})
}

// FuzzTimes compares times with those of package time, one after the other.
func FuzzTimes(f *testing.F) {
	f.Add(`"2026-03-01T10:00:00.000000001Z"`, `"2026-03-01T10:00:00.999999999Z"`)
	f.Add(`"2024-02-29T23:59:59.123456789Z"`, `"2023-02-29T23:59:59.123456789Z"`)
	f.Add(`"0001-01-01T00:00:00.000000000Z"`, `"9999-12-31T23:59:59.999999999Z"`)
	f.Fuzz(func(t *testing.T, first, second string) {
		var times Times
		for _, s := range []string{first, second, first} {
			got, ok := times.Parse([]byte(s))
			if !ok {
				continue
			}
			want, err := time.Parse(`"2006-01-02T15:04:05.000000000Z"`, s)
			if err != nil || !time.Unix(0, got).Equal(want) {
				t.Errorf("%s: got %v, want %v, %v", s, time.Unix(0, got).UTC(), want, err)
			}
		}
	})
}

// FuzzOpen compares UTF-16 with that of unicode/utf16.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("\xff\xfeg\x00o\x00"), 1)
	f.Add([]byte("\xfe\xff\xd8\x3d\xde\x00\x00a"), 3)
	f.Add([]byte("\xff\xfe\x3d\xd8\x3d\xd8a\x00"), 2)
	f.Add([]byte("\xef\xbb\xbfgo: x"), 7)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		in, err := Open(bytes.NewReader(b))
		if err != nil || bytes.HasPrefix(b, []byte("\x1f\x8b")) {
			return
		}
		var got strings.Builder
		piece := make([]byte, max(1, size%100))
		for {
			n, err := in.Read(piece)
			got.Write(piece[:n])
			if err != nil {
				break
			}
		}
		want := string(bytes.TrimPrefix(b, []byte("\ufeff")))
		if len(b) >= 2 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff) {
			want = byUTF16(b[2:], b[0] == 0xfe)
		}
		if got.String() != want {
			t.Errorf("%q: got %q, want %q", b, got.String(), want)
		}
	})
}

// byUTF16 decodes UTF-16 by the standard library, without byte order marks.
func byUTF16(b []byte, bigEndian bool) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		u := uint16(b[0]) | uint16(b[1])<<8
		if bigEndian {
			u = u<<8 | u>>8
		}
		units = append(units, u)
	}
	if n := len(units); n > 0 && units[n-1] >= 0xd800 && units[n-1] < 0xdc00 {
		units = units[:n-1] // its second half is missing
	}
	return strings.ReplaceAll(string(utf16.Decode(units)), "\ufeff", "")
}

// FuzzGoTrace has a thread of spans: each span begins before it ends, and what is kept is bounded.
func FuzzGoTrace(f *testing.F) {
	f.Add([]byte("[\n{\"name\":\"a\",\"ph\":\"B\",\"tid\":1,\"ts\":5},\n{\"name\":\"a\",\"ph\":\"E\",\"tid\":1,\"ts\":7}\n]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var g GoTrace
		begins, ends := 0, 0
		for line := range bytes.Lines(b) {
			begins += bytes.Count(line, []byte(`B`))
			g.Take(line, func(s GoSpan) {
				ends++
				if s.Begin <= 0 || s.End <= 0 || len(s.Name) > maxSpanName || len(s.Thread) > 20 {
					t.Errorf("got %+v", s)
				}
			})
		}
		open := 0
		for _, list := range g.open {
			open += len(list)
		}
		if open != g.begun || open+ends > begins {
			t.Errorf("%d spans are open, counted %d, %d ended", open, g.begun, ends)
		}
		if g.EndFile(); g.begun != 0 || len(g.open) != 0 {
			t.Errorf("%d spans are open after the file", g.begun)
		}
	})
}
