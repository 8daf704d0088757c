package lsp

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// FuzzCall has arbitrary bytes of a server, whole and byte by byte, and an answer that has
// whatever JSON in it.
func FuzzCall(f *testing.F) {
	const request = "Content-Length: 57\r\n\r\n" + `{"jsonrpc":"2.0","id":1,"method":"workspace/x","params":1}`
	f.Add("Content-Length: 38\r\n\r\n"+`{"jsonrpc":"2.0","id":1,"result":null}`, `{"items":[1]}`)
	f.Add("Content-Length: 2\r\nContent-Type: x\r\n\r\n[]", `"\u2028<"`)
	f.Add(request+"Content-Length: -1\r\n\r\n", ` [ 1 ] `)
	f.Add("Content-Length: 60000000\r\n\r\n{", `1`)
	f.Fuzz(func(t *testing.T, from, answer string) {
		var asked, askedSlowly bytes.Buffer
		result, err := New(&asked, strings.NewReader(from)).Call("x", nil)
		slowly, slowErr := New(&askedSlowly, iotest.OneByteReader(strings.NewReader(from))).Call("x", nil)
		if !bytes.Equal(result, slowly) || (err == nil) != (slowErr == nil) || asked.String() != askedSlowly.String() {
			t.Errorf("%q: got %s, %v; byte by byte %s, %v", from, result, err, slowly, slowErr)
		}
		if err == nil && len(result) > len(from) {
			t.Errorf("%q: got %s", from, result)
		}
		var want bytes.Buffer
		if json.Compact(&want, []byte(answer)) != nil {
			return
		}
		var out bytes.Buffer
		id := json.RawMessage("1")
		if err := New(&out, nil).send(message{ID: &id, Result: json.RawMessage(answer)}); err != nil {
			t.Fatal(err)
		}
		got, err := New(io.Discard, &out).Call("x", nil)
		if err != nil {
			t.Fatalf("%q: %v", answer, err)
		}
		var a, b any
		if errA, errB := json.Unmarshal(got, &a), json.Unmarshal(want.Bytes(), &b); (errA == nil) != (errB == nil) {
			t.Fatal(errA, errB)
		}
		if diff := cmp.Diff(b, a); diff != "" {
			t.Errorf("%q: -want +got:\n%s", answer, diff)
		}
	})
}
