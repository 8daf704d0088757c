package layout

import (
	"io"
	"net"
	"reflect"
	"testing"
	"unsafe"

	"golang.org/x/net/http2"
)

// connection returns a client connection of golang.org/x/net in this process, whose
// server sends nothing.
func connection(t *testing.T) *http2.ClientConn {
	client, server := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, server) }()
	cc, err := new(http2.Transport).NewClientConn(client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return cc
}

// table returns the layout of the newest golang.org/x/net, which go.mod requires.
func table() *Client { return modules[len(modules)-1].layout }

// offset returns the offset of a field, by reflection, or of a field within that
// field.
func offset(t *testing.T, typ reflect.Type, path ...string) (at uint16) {
	for _, name := range path {
		f, ok := typ.FieldByName(name)
		if !ok {
			t.Fatalf("%s has no field %s", typ, name)
		}
		typ, at = f.Type, at+uint16(f.Offset)
	}
	return at
}

// TestTable compares the table with reflection on the same types.
func TestTable(t *testing.T) {
	l := table()
	cc := reflect.TypeFor[http2.ClientConn]()
	field := func(name string) reflect.Type {
		f, _ := cc.FieldByName(name)
		return f.Type
	}
	stream, framer, flow := field("streams").Elem().Elem(), field("fr").Elem(), field("flow")
	for _, tt := range []struct {
		name      string
		got, want uint16
	}{
		{"Size", l.Size, uint16(cc.Size())},
		{"TLSConn", l.TLSConn, offset(t, cc, "tconn") + 8},
		{"Mu", l.Mu, offset(t, cc, "mu")},
		{"Cond", l.Cond, offset(t, cc, "cond")},
		{"FlowStruct", l.FlowStruct, offset(t, cc, "flow")},
		{"Flow", l.Flow, offset(t, cc, "flow") + offset(t, flow, "n")},
		{"Inflow", l.Inflow, offset(t, cc, "inflow") + offset(t, field("inflow"), "avail")},
		{"WantAck", l.WantAck, offset(t, cc, "wantSettingsAck")},
		{"Streams", l.Streams, offset(t, cc, "streams")},
		{"NextID", l.NextID, offset(t, cc, "nextStreamID")},
		{"Reader", l.Reader, offset(t, cc, "br")},
		{"MaxFrame", l.MaxFrame, offset(t, cc, "maxFrameSize")},
		{"MaxStreams", l.MaxStreams, offset(t, cc, "maxConcurrentStreams")},
		{"PeerTable", l.PeerTable, offset(t, cc, "peerMaxHeaderTableSize")},
		{"PeerInitial", l.PeerInitial, offset(t, cc, "flow") + offset(t, flow, "initial")},
		{"OwnInitial", l.OwnInitial, offset(t, cc, "initialStreamRecvWindowSize")},
		{"WriteMu", l.WriteMu, offset(t, cc, "wmu")},
		{"Writer", l.Writer, offset(t, cc, "bw")},
		{"Framer", l.Framer, offset(t, cc, "fr")},
		{"WriteErr", l.WriteErr, offset(t, cc, "werr")},
		{"FramerW", l.FramerW, offset(t, framer, "w") + 8},
		{"StreamConn", l.StreamConn, offset(t, stream, "cc")},
		{"StreamID", l.StreamID, offset(t, stream, "ID")},
		{"StreamFlow", l.StreamFlow, offset(t, stream, "flow")},
		{"StreamInflow", l.StreamInflow, offset(t, stream, "inflow")},
		{"SentEnd", l.SentEnd, offset(t, stream, "sentEndStream")},
		{"SentEnd+1", l.SentEnd + 1, offset(t, stream, "sentHeaders")},
		{"ReadClosed", l.ReadClosed, offset(t, stream, "readClosed")},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %d, want %d", tt.name, tt.got, tt.want)
		}
	}
}

// placeOf finds a connection through reflection.
func placeOf(cc *http2.ClientConn) (image []byte, at Place) {
	v := reflect.ValueOf(cc).Elem()
	address := func(v reflect.Value) uint64 { return uint64(v.Pointer()) }
	at = Place{
		Owner:  uint64(uintptr(unsafe.Pointer(cc))),
		Framer: address(v.FieldByName("fr")),
		Reader: address(v.FieldByName("br")),
		Writer: address(v.FieldByName("bw")),
		Sticky: address(v.FieldByName("tconn").Elem()),
		Locker: address(v.FieldByName("cond").Elem().FieldByName("L").Elem()),
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(cc)), unsafe.Sizeof(*cc)), at
}

// TestRead reads a connection whose state is known.
func TestRead(t *testing.T) {
	cc := connection(t)
	image, at := placeOf(cc)
	got, ok := table().Read(image, at)
	want := State{
		Send: 65535, Recv: 1<<30 + 65535, RecvExact: true, // transportDefaultConnFlow
		PeerInitial: 65535, OwnInitial: 4 << 20, MaxFrame: 1 << 14,
		MaxStreams:   got.MaxStreams,
		StreamsTable: got.StreamsTable, NextID: 1,
	}
	if !ok || got != want {
		t.Errorf("Read = %+v, %v; want %+v", got, ok, want)
	}
}

// TestDoctored reads with tables that are wrong in one field: either Read notices, or
// the field does not affect the result.
func TestDoctored(t *testing.T) {
	image, at := placeOf(connection(t))
	right := table()
	want, ok := right.Read(image, at)
	if !ok {
		t.Fatal("the right layout is not believed")
	}
	fields := reflect.TypeFor[Client]()
	for i := range fields.NumField() {
		if fields.Field(i).Type.Kind() != reflect.Uint16 {
			continue
		}
		for _, by := range []int64{-16, -8, -4, -1, 1, 4, 8, 16} {
			wrong := *right
			f := reflect.ValueOf(&wrong).Elem().Field(i)
			f.SetUint(uint64(int64(f.Uint()) + by))
			if got, ok := wrong.Read(image, at); ok && got != want {
				t.Errorf("%s%+d: Read = %+v, want none or %+v", fields.Field(i).Name, by, got, want)
			}
		}
	}
	for _, minor := range []int{18, 20, 24, 26} {
		for _, s := range releases[minor] {
			if got, ok := s.layout.Read(image, at); ok && got != want {
				t.Errorf("Go 1.%d: Read = %+v", minor, got)
			}
		}
	}
}

func TestVersions(t *testing.T) {
	for version, want := range map[string]*Client{
		"go1.18":                      releases[18][0].layout,
		"go1.26.8":                    releases[26][0].layout,
		"go1.26.99":                   releases[26][0].layout, // checked when it is read
		"go1.27.1":                    releases[27][0].layout,
		"go1.27.2":                    releases[27][1].layout,
		"go1.26.8 X:nodwarf5":         releases[26][0].layout,
		"go1.17.13":                   nil,
		"go1.27rc1":                   nil,
		"go1.99":                      nil,
		"go1.26.8-somebody":           releases[26][0].layout,
		"devel go1.28-0123456":        nil,
		"":                            nil,
		"go1.-1":                      nil,
		"go2":                         nil,
		"go1.26.18446744073709551616": nil,
	} {
		if got := Released(version); got != want {
			t.Errorf("Released(%q) = %p, want %p", version, got, want)
		}
	}
	for version, want := range map[string]*Client{
		"v0.1.0":                                modules[0].layout,
		"v0.62.1":                               modules[len(modules)-1].layout,
		"v0.63.0":                               nil,
		"v0.33.1-0.20250101000000-0123456789ab": nil,
		"v1.0.0":                                nil,
		"":                                      nil,
	} {
		if got := Versioned(version); got != want {
			t.Errorf("Versioned(%q) = %p, want %p", version, got, want)
		}
	}
	for minor, spans := range releases {
		for _, s := range spans {
			if !s.layout.sound() {
				t.Errorf("Go 1.%d.%d has an unsound layout", minor, s.first)
			}
		}
	}
}
