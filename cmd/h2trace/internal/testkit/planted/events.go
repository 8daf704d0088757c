// Package planted makes events that have a secret wherever a text of others can be. Tests look for
// it in what is made of them.
package planted

import (
	"bytes"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"golang.org/x/net/http2/hpack"

	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/goproxy"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// Secret has the shape of a token of GitHub. It is put together here, so that nothing takes this
// file for a leak.
var Secret = "ghp" + "_" + strings.Repeat("aB3d", 9)

// Events returns events of each kind, action and frame type. Each string of what they are made of,
// and so each key that can have any text, has Secret in it, in UTF-8 and not. Those that are read
// as what they are, such as a URL, have it in a suitable place, too.
func Events(o export.Options) []byte {
	var out bytes.Buffer
	p := printer{JSONL: export.NewJSONL(&out, o), at: 1_790_000_000_000_000_000}
	for _, prefix := range []string{"x-", "\xff-"} {
		p.text = prefix + Secret
		p.processes()
		p.conns()
		p.frames()
		p.exchanges()
	}
	p.Summary(&export.Summary{
		Time: p.tick(), Duration: time.Second, Exchanges: new(uint64(1)),
		Labels: []export.Label{{Key: "x" + Secret, Value: Secret}, {Key: "region", Value: "token=" + Secret}},
	})
	if err := p.Close(); err != nil {
		panic(err) // into memory
	}
	return out.Bytes()
}

type printer struct {
	*export.JSONL
	text string // with Secret
	at   ktime.Time
}

// tick returns the time of the next event.
func (p *printer) tick() ktime.Time {
	p.at += 1_000_000
	return p.at
}

func (p *printer) meta() export.Meta {
	return export.Meta{Time: p.tick(), PID: 7, Comm: p.text, Conn: "c1"}
}

// fill puts a text into each string that v has, also in structs, slices and what pointers
// point to. A string of a type of its own is the name of an enumeration.
func (p *printer) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() && v.CanSet() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		p.fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				p.fill(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[[]byte]() {
			v.SetBytes([]byte(p.text))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		p.fill(v.Index(0))
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString(p.text)
		}
	}
}

// filled returns a value of a type with the text in each string.
func filled[T any](p *printer) *T {
	v := new(T)
	p.fill(reflect.ValueOf(v))
	return v
}

func (p *printer) processes() {
	complaint := filled[export.ProcessError](p)
	complaint.Complaint.Class = "vcs"
	for _, e := range []export.ProcessEvent{
		*filled[export.ProcessExec](p), filled[export.ProcessAttached](p), *filled[export.ProcessLock](p),
		*filled[export.ProcessSkipped](p), complaint, *filled[export.ProcessExit](p),
		export.ProcessExec{Args: []string{"git", "-c", "http.extraHeader=Authorization: Basic " + Secret, "--password", Secret}},
		&export.ProcessError{
			Complaint: goproxy.Complaint{Class: "vcs", Path: "m.example/a", Detail: "git ls-remote https://u:" + Secret + "@git.example: exit status 128"},
			Via:       "http://u:" + Secret + "@proxy.example",
			Fetches:   []goproxy.Fetch{{Conn: "c1", Stream: 1, URL: "https://goproxy.example/m?token=" + Secret, Proxy: "https://" + Secret + "@goproxy.example"}},
		},
	} {
		what := filled[export.Process](p)
		what.Container = export.Container{}
		what.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		p.Process(p.meta(), what, e)
	}
}

func (p *printer) conns() {
	c := filled[export.Conn](p)
	c.Local, c.Remote = netip.MustParseAddrPort("192.0.2.1:4711"), netip.MustParseAddrPort("192.0.2.2:443")
	c.Role, c.Protocol, c.Joined, c.Source, c.QUIC = decoder.Client, "h2", export.JoinedStart, export.SourceWire, ""
	failed := filled[export.ConnFailed](p)
	failed.Error.Class = "connect"
	answer := &export.ConnDNS{Type: "A", RCode: "NOERROR", Answers: []string{"192.0.2.2", p.text}}
	silent := filled[export.ConnSilent](p)
	silent.State = export.StateConnected
	for _, e := range []export.ConnEvent{*answer, export.ConnOpen{}, *failed, *silent, *filled[export.ConnClose](p)} {
		p.Conn(p.meta(), c, e)
	}
}

func (p *printer) frames() {
	f := filled[decoder.Frame](p)
	f.StreamID, f.Length = 1, 8
	f.Headers = []hpack.HeaderField{
		{Name: ":method", Value: "GET"},
		{Name: ":authority", Value: "u:" + Secret + "@goproxy.example"},
		{Name: ":path", Value: "/m/@v/list?token=" + Secret},
		{Name: p.text, Value: p.text},
		{Name: "authorization", Value: "Bearer " + Secret},
		{Name: "cookie", Value: "a=" + Secret},
	}
	for t := range decoder.Type(0x20) {
		f.Type = t
		for _, f.BlockEnd = range []bool{true, false} {
			if f.BlockEnd {
				f.HeadersError = ""
			} else {
				f.HeadersError = p.text
			}
			p.Frame(p.meta(), f)
		}
	}
	p.Verify(p.meta(), &export.Difference{Stream: 1, Want: &f.Headers[3], Got: &f.Headers[3]})
}

func (p *printer) exchanges() {
	module := filled[export.Module](p)
	module.Kind, module.Tail = goproxy.Zip, ""
	x := filled[exchange.Exchange](p)
	x.Stream, x.Status, x.Proto, x.GRPC.Status = 1, 404, exchange.HTTP2, 2
	x.Error.Class, x.TraceParent = "http_4xx", ""
	x.Start, x.RequestEnd, x.Response, x.ResponseEnd, x.End = p.at-5000, p.at-4000, p.at-3000, p.at-2000, p.at
	for _, url := range []string{
		"https://u:" + Secret + "@goproxy.example/m/@v/v1.0.0.zip?token=" + Secret, "https://goproxy.example/" + Secret + "/m/@v/list", p.text,
	} {
		x.URL = url
		p.Request(p.meta(), &export.Request{Exchange: x, Module: module, Via: p.text})
		p.Exchange(p.meta(), &export.Exchange{Exchange: x, Module: module, Via: p.text, Retry: &exchange.Retry{Attempt: 1, Conn: "c1", Class: "reset"}})
	}
	p.Stall(p.meta(), &exchange.Stall{Stream: 1, Start: p.at, End: p.at + 1000})
}
