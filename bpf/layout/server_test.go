package layout

import (
	"bytes"
	"reflect"
	"testing"

	"golang.org/x/net/http2"
)

func serverTable() *Server { return serverModules[len(serverModules)-1].layout }

// serverConn is the type of golang.org/x/net's server connections.
func serverConn(t *testing.T) reflect.Type {
	state, ok := reflect.TypeFor[http2.Server]().FieldByName("state")
	if !ok {
		t.Fatal("http2.Server has no field state")
	}
	conns, ok := state.Type.Elem().FieldByName("activeConns")
	if !ok {
		t.Fatal("its state has no field activeConns")
	}
	return conns.Type.Key().Elem()
}

// TestServerTable compares the table with reflection on the same types.
func TestServerTable(t *testing.T) {
	l := serverTable()
	sc := serverConn(t)
	field := func(name string) reflect.Type {
		f, _ := sc.FieldByName(name)
		return f.Type
	}
	stream, framer, flow := field("streams").Elem().Elem(), field("framer").Elem(), field("flow")
	for _, tt := range []struct {
		name      string
		got, want uint16
	}{
		{"Size", l.Size, uint16(sc.Size())},
		{"Conn", l.Conn, offset(t, sc, "conn") + 8},
		{"Writer", l.Writer, offset(t, sc, "bw")},
		{"Framer", l.Framer, offset(t, sc, "framer")},
		{"PeerInitial", l.PeerInitial, offset(t, sc, "flow") + offset(t, flow, "initial")},
		{"Flow", l.Flow, offset(t, sc, "flow") + offset(t, flow, "n")},
		{"Inflow", l.Inflow, offset(t, sc, "inflow") + offset(t, field("inflow"), "avail")},
		{"CountError", l.CountError, offset(t, sc, "countErrorFunc")},
		{"Unacked", l.Unacked, offset(t, sc, "unackedSettings")},
		{"TableSize", l.TableSize, offset(t, sc, "pendingEncoderTableSize")},
		{"Queued", l.Queued, offset(t, sc, "queuedControlFrames")},
		{"CurStreams", l.CurStreams, offset(t, sc, "curClientStreams")},
		{"CurStreams+4", l.CurStreams + 4, offset(t, sc, "curPushedStreams")},
		{"CurStreams-8", l.CurStreams - 8, offset(t, sc, "clientMaxStreams")},
		{"CurHandlers", l.CurHandlers, offset(t, sc, "curHandlers")},
		{"MaxID", l.MaxID, offset(t, sc, "maxClientStreamID")},
		{"MaxID+4", l.MaxID + 4, offset(t, sc, "maxPushPromiseID")},
		{"Streams", l.Streams, offset(t, sc, "streams")},
		{"Unstarted", l.Unstarted, offset(t, sc, "unstartedHandlers")},
		{"OwnInitial", l.OwnInitial, offset(t, sc, "initialStreamRecvWindowSize")},
		{"MaxFrame", l.MaxFrame, offset(t, sc, "maxFrameSize")},
		{"KeysSize", l.KeysSize, offset(t, sc, "canonHeaderKeysSize")},
		{"Writing", l.Writing, offset(t, sc, "writingFrame")},
		{"Writing+1", l.Writing + 1, offset(t, sc, "writingFrameAsync")},
		{"Writing+2", l.Writing + 2, offset(t, sc, "needsFrameFlush")},
		{"Writing+3", l.Writing + 3, offset(t, sc, "inGoAway")},
		{"Writing+4", l.Writing + 4, offset(t, sc, "inFrameScheduleLoop")},
		{"Writing+5", l.Writing + 5, offset(t, sc, "needToSendGoAway")},
		{"FramerW", l.FramerW, offset(t, framer, "w") + 8},
		{"StreamConn", l.StreamConn, offset(t, stream, "sc")},
		{"StreamID", l.StreamID, offset(t, stream, "id")},
		{"StreamID+8", l.StreamID + 8, offset(t, stream, "body")},
		{"StreamFlow", l.StreamFlow, offset(t, stream, "flow")},
		{"StreamInflow", l.StreamInflow, offset(t, stream, "inflow")},
		{"StreamState", l.StreamState, offset(t, stream, "state")},
		{"StreamState+8", l.StreamState + 8, offset(t, stream, "resetQueued")},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %d, want %d", tt.name, tt.got, tt.want)
		}
	}
}

// TestServerRead reads a connection whose state is known.
func TestServerRead(t *testing.T) {
	s := serve(t)
	_, got, stream := s.read(t, serverTable())
	want := State{
		Send: 65535 - responded, Recv: 1<<20 - requested, RecvExact: true,
		PeerInitial: peerInitial, OwnInitial: 1 << 20, OwnAcked: true, MaxFrame: 1 << 14,
		MaxStreams:   got.MaxStreams,
		StreamsTable: got.StreamsTable, NextID: 3, NextPush: 2,
	}
	if got != want {
		t.Errorf("Read = %+v; want %+v", got, want)
	}
	wantStream := Stream{ID: 1, Send: peerInitial - responded, Recv: 1<<20 - requested, RecvExact: true}
	if stream != wantStream {
		t.Errorf("ReadStream = %+v; want %+v", stream, wantStream)
	}
	s.at.Open++
	if got, ok := serverTable().Read(own(t, s.at.Owner, serverTable().Size), s.at); ok {
		t.Errorf("Read with another number of streams = %+v", got)
	}
}

// TestServerBusy reads connections and streams that are not at rest.
func TestServerBusy(t *testing.T) {
	s, l := serve(t), serverTable()
	image, state, _ := s.read(t, l)
	for i := range uint16(writingSize) {
		busy := bytes.Clone(image)
		busy[l.Writing+i] = 1
		if got, ok := l.Read(busy, s.at); ok {
			t.Errorf("flag %d: Read = %+v", i, got)
		}
	}
	state.Send = 0
	if got, ok := s.readStream(t, l, &state); !ok || got.RecvExact {
		t.Errorf("ReadStream without credit = %+v, %v; want that Recv is not exact", got, ok)
	}
}

// TestServerDoctored reads with tables that are wrong in one field: either Read
// notices, or the field does not affect the result.
func TestServerDoctored(t *testing.T) {
	s, right := serve(t), serverTable()
	image, want, wantStream := s.read(t, right)
	fields := reflect.TypeFor[Server]()
	for i := range fields.NumField() {
		if fields.Field(i).Type.Kind() != reflect.Uint16 {
			continue
		}
		for _, by := range []int64{-16, -8, -4, -1, 1, 4, 8, 16} {
			wrong := *right
			f := reflect.ValueOf(&wrong).Elem().Field(i)
			f.SetUint(uint64(int64(f.Uint()) + by))
			got, ok := wrong.Read(image, s.at)
			if !ok {
				continue
			}
			stream, ok := s.readStream(t, &wrong, &want)
			if got != want || ok && stream != wantStream {
				t.Errorf("%s%+d: %+v %+v, want none or %+v %+v", fields.Field(i).Name, by, got, stream, want, wantStream)
			}
		}
	}
	for _, minor := range []int{18, 20, 24, 26, 27} {
		for _, s2 := range serverReleases[minor] {
			if got, ok := s2.layout.Read(append(image, make([]byte, maxSize)...), s.at); ok && got != want {
				t.Errorf("Go 1.%d: Read = %+v", minor, got)
			}
		}
	}
}

func TestServerVersions(t *testing.T) {
	for version, want := range map[string]*Server{
		"go1.18":     serverReleases[18][0].layout,
		"go1.18.9":   nil, // this release was unavailable, between two that differ
		"go1.18.10":  serverReleases[18][1].layout,
		"go1.26.99":  serverReleases[26][0].layout,
		"go1.27.1":   serverReleases[27][0].layout,
		"go1.27.2":   serverReleases[27][1].layout,
		"go1.17.13":  nil,
		"go1.99":     nil,
		"go1.27rc1":  nil,
		"devel +012": nil,
	} {
		if got := ReleasedServer(version); got != want {
			t.Errorf("ReleasedServer(%q) = %p, want %p", version, got, want)
		}
	}
	for version, want := range map[string]*Server{
		"v0.1.0":                                serverModules[0].layout,
		"v0.62.1":                               serverTable(),
		"v0.63.0":                               nil,
		"v0.33.1-0.20250101000000-0123456789ab": nil,
	} {
		if got := VersionedServer(version); got != want {
			t.Errorf("VersionedServer(%q) = %p, want %p", version, got, want)
		}
	}
}
