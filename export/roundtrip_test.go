package export

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// readFrame is a frame line as readers parse it.
type readFrame struct {
	Dir        string
	Stream     uint32
	Type       string
	Flags      []string
	Length     uint32
	DataLength *uint32 `json:"data_length"`
	Body       *string
	BodyB64    []byte `json:"body_b64"`
	Headers    []struct {
		Name, Value  string
		NameB64      []byte `json:"name_b64"`
		ValueB64     []byte `json:"value_b64"`
		NeverIndexed bool   `json:"never_indexed"`
	}
	HeadersError string `json:"headers_error"`
	Settings     map[string]uint32
	Increment    *uint32
	ErrorCode    *uint32 `json:"error_code"`
	Debug        *string
	DebugB64     []byte `json:"debug_b64"`
	Opaque       *string
	Window       struct {
		ConnSend   *int64 `json:"conn_send"`
		ConnRecv   *int64 `json:"conn_recv"`
		StreamSend *int64 `json:"stream_send"`
		StreamRecv *int64 `json:"stream_recv"`
	}
	Truncated bool
	Violation string
}

// exact returns the bytes of a text: those of b64 if they are not UTF-8.
func exact(text string, b64 []byte) string {
	if b64 != nil {
		return string(b64)
	}
	return text
}

// printer prints one line at a time.
type printer struct {
	out bytes.Buffer
	j   *JSONL
}

func newPrinter(t *testing.T, o Options) *printer {
	p := &printer{}
	p.j = NewJSONL(&p.out, o)
	t.Cleanup(func() {
		if err := p.j.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// print returns the line of f after checking its form.
func (p *printer) print(t *testing.T, f *decoder.Frame) []byte {
	p.out.Reset()
	p.j.Frame(Meta{Time: at, PID: 7, Comm: "go", Conn: "c1"}, f)
	if err := p.j.Flush(); err != nil {
		t.Fatal(err)
	}
	checkForm(t, p.out.Bytes())
	checkSchema(t, bytes.TrimSuffix(p.out.Bytes(), []byte("\n")))
	return p.out.Bytes()
}

// checker checks that encoding/json reads back what frames hold.
type checker struct {
	t              *testing.T
	redacted, full *printer
	text           []byte
	frames         int
	left           int // frames of this connection still to check
}

// maxChecked bounds the checked frames of one connection: a flood repeats one.
const maxChecked = 16

func newChecker(t *testing.T) *checker {
	return &checker{t: t, redacted: newPrinter(t, Options{}), full: newPrinter(t, Options{ShowSecrets: true, Bodies: true})}
}

func equal[T comparable](c *checker, what string, got, want T) {
	if got != want {
		c.t.Errorf("%s: got %v, want %v: %s", what, got, want, c.text)
	}
}

// equalIf compares a value that may be absent.
func equalIf[T comparable](c *checker, what string, got *T, want T) {
	if got != nil {
		equal(c, what, *got, want)
	}
}

// Frame checks the line of a frame.
func (c *checker) Frame(f *decoder.Frame) {
	if c.left == 0 {
		return
	}
	c.left--
	c.frames++
	c.redacted.print(c.t, f)
	c.text = c.full.print(c.t, f)
	var r readFrame
	if err := json.Unmarshal(c.text, &r); err != nil {
		c.t.Fatalf("%v: %s", err, c.text)
	}
	equal(c, "dir", r.Dir, f.Dir.String())
	equal(c, "stream", r.Stream, f.StreamID)
	equal(c, "type", r.Type, f.Type.String())
	if diff := cmp.Diff(f.Flags.Names(f.Type), r.Flags); diff != "" {
		c.t.Errorf("flags: -want +got:\n%s%s", diff, c.text)
	}
	equal(c, "length", r.Length, f.Length)
	equal(c, "truncated", r.Truncated, f.Truncated)
	equal(c, "headers_error", r.HeadersError, f.HeadersError)
	if f.Violation != nil {
		equal(c, "violation", r.Violation, f.Violation.String())
	}
	if f.HeadersError == "" && len(r.Headers) != len(f.Headers) {
		c.t.Fatalf("got %d headers, want %d: %s", len(r.Headers), len(f.Headers), c.text)
	}
	for i, h := range r.Headers {
		equal(c, "name", exact(h.Name, h.NameB64), f.Headers[i].Name)
		equal(c, "value", exact(h.Value, h.ValueB64), f.Headers[i].Value)
		equal(c, "never indexed", h.NeverIndexed, f.Headers[i].Sensitive)
	}
	for _, w := range []struct {
		got  *int64
		want decoder.Credit
	}{
		{r.Window.ConnSend, f.Window.ConnSend},
		{r.Window.ConnRecv, f.Window.ConnRecv},
		{r.Window.StreamSend, f.Window.StreamSend},
		{r.Window.StreamRecv, f.Window.StreamRecv},
	} {
		equal(c, "credit known", w.got != nil, w.want.Known)
		equalIf(c, "credit", w.got, w.want.Bytes)
	}
	equalIf(c, "data_length", r.DataLength, f.DataLength)
	equalIf(c, "increment", r.Increment, f.Increment)
	equalIf(c, "error_code", r.ErrorCode, uint32(f.ErrorCode))
	if r.Body != nil || r.BodyB64 != nil {
		var body string
		if r.Body != nil {
			body = *r.Body
		}
		equal(c, "body", exact(body, r.BodyB64), string(f.Body))
	}
	if r.Debug != nil {
		equal(c, "debug", exact(*r.Debug, r.DebugB64), string(f.Debug))
	}
	equalIf(c, "opaque", r.Opaque, hex.EncodeToString(f.Opaque[:]))
	if r.Settings != nil {
		want := make(map[string]uint32)
		for _, s := range f.Settings {
			want[s.ID.String()] = s.Value
		}
		if diff := cmp.Diff(want, r.Settings); diff != "" {
			c.t.Errorf("settings: -want +got:\n%s%s", diff, c.text)
		}
	}
}

// checkForm checks that b is one line of JSON, UTF-8 without controls, and that
// no object in it has a key twice.
func checkForm(t *testing.T, b []byte) {
	text, whole := bytes.CutSuffix(b, []byte("\n"))
	if !whole || !utf8.Valid(text) || bytes.ContainsFunc(text, func(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 }) {
		t.Fatalf("not one line of UTF-8 without controls: %q", b)
	}
	type object struct {
		keys map[string]bool // nil for an array
		key  bool            // a key comes next
	}
	var open []object
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			open = open[:len(open)-1]
			continue
		}
		if n := len(open); n > 0 && open[n-1].keys != nil {
			top := &open[n-1]
			if top.key {
				name := token.(string)
				if top.keys[name] {
					t.Errorf("key %q comes twice: %s", name, text)
				}
				top.keys[name] = true
			}
			top.key = !top.key
		}
		switch token {
		case json.Delim('{'):
			open = append(open, object{keys: make(map[string]bool), key: true})
		case json.Delim('['):
			open = append(open, object{})
		}
	}
}

func (c *checker) Protocol(ktime.Time, decoder.Protocol, bool) {}

func (c *checker) Resync(ktime.Time, decoder.Direction, int64) {}

// conn decodes both directions of a client's connection and checks the line of
// each frame.
func (c *checker) conn(sent, received []byte) {
	c.left = maxChecked
	conn := decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true, BodyBytes: 100}, c)
	conn.Data(1, decoder.Send, sent)
	conn.Data(2, decoder.Recv, received)
	conn.Close(3)
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// FuzzFrame checks the lines of the frames that the decoder finds in arbitrary bytes.
func FuzzFrame(f *testing.F) {
	settings := "\x00\x00\x0c\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x01\x00\x04\x00\x00\x00\x02"
	f.Add([]byte(settings+"\x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x84\x10\x01\xff\x01"), []byte(settings))
	f.Add([]byte(settings+"\x00\x00\x03\x2a\xff\x00\x00\x00\x01abc"), []byte("\x00\x00\x0a\x07\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02a\xff"))
	f.Add([]byte(settings+"\x00\x00\x04\x00\x09\x00\x00\x00\x01\x01a\x00\x00"), []byte("\x00\x00\x08\x06\x01\x00\x00\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07"))
	f.Add([]byte(settings+"\x00\x00\x05\x02\x00\x00\x00\x00\x03\x80\x00\x00\x01\xff"), []byte("\x00\x00\x04\x0c\x00\x00\x00\x00\x00\x00\x02a\xff"))
	f.Fuzz(func(t *testing.T, sent, received []byte) {
		newChecker(t).conn(append([]byte(preface), sent...), received)
	})
}

// TestCorpora checks the lines of recorded and constructed connections.
func TestCorpora(t *testing.T) {
	root := corpora(t)
	c := newChecker(t)
	pairs, err := filepath.Glob(filepath.Join(root, "adversarial", "*.c2s"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pairs {
		received, err := os.ReadFile(strings.TrimSuffix(name, ".c2s") + ".s2c")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		c.conn(read(t, name), received)
	}
	err = filepath.WalkDir(filepath.Join(root, "fuzz"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			c.conn(bytes.ReplaceAll(read(t, name), []byte("\n--MARK--\n"), nil), nil)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.frames == 0 {
		t.Error("no frame was decoded")
	}
	t.Logf("%d frames", c.frames)
}

func read(t *testing.T, name string) []byte {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// corpora returns the folder of test data outside the project.
func corpora(t *testing.T) string {
	dir := os.Getenv("H2TRACE_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no corpora, set H2TRACE_CORPORA: %v", err)
	}
	return dir
}
