package decoder

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder/ktime"
)

// upgraded decodes what both sides say after an upgrade, in pieces.
func upgraded(role Role, settings []byte, said [2][]byte, size int) *windowSink {
	sink := &windowSink{}
	c := NewConn(Config{Role: role, FromStart: true}, sink)
	client := Send
	if role == Server {
		client = Recv
	}
	c.Upgrade(1, settings)
	for i, b := range said { // the server speaks first
		dir := client.other()
		if i == 1 {
			dir = client
		}
		for at := 0; at < len(b); at += size {
			c.Data(ktime.Time(i+2), dir, b[at:min(at+size, len(b))])
		}
	}
	c.Close(9)
	return sink
}

// FuzzUpgrade has the settings of an HTTP2-Settings field, and what both sides say after it. How
// that is cut changes nothing. Stream 1 has the credit that the last of the settings gives it.
func FuzzUpgrade(f *testing.F) {
	answer := append(settingsFrame(), wire(TypeHeaders, FlagEndHeaders, 1, []byte{0x88})...)
	f.Add([]byte{0, 4, 0, 0, 0x27, 0x10}, answer, append(bytes.Clone(preface), settingsFrame()...), true, 1)
	f.Add([]byte{0, 4, 0, 0, 0x27, 0x10, 0, 4, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0}, answer, preface, false, 5)
	f.Add([]byte{0, 4, 0xff, 0xff, 0xff, 0xff}, []byte("HTTP/1.1 200 OK\r\n\r\n"), []byte("GET / HTTP/1.1\r\n\r\n"), true, 2)
	f.Add([]byte{0, 5, 0, 0, 0}, []byte{}, append(bytes.Clone(preface), answer...), false, 9)
	f.Fuzz(func(t *testing.T, settings, server, client []byte, asClient bool, size int) {
		role := Server
		if asClient {
			role = Client
		}
		said := [2][]byte{server, client}
		whole, cut := upgraded(role, settings, said, 1<<20), upgraded(role, settings, said, max(1, size%64))
		if diff := cmp.Diff(whole.lines, cut.lines); diff != "" {
			t.Fatalf("-whole +in pieces of %d:\n%s", max(1, size%64), diff)
		}
		want, valid := int64(65535), len(settings)%6 == 0 && len(settings) <= 1<<14
		for b := settings; valid && len(b) > 0; b = b[6:] {
			switch id, v := SettingID(binary.BigEndian.Uint16(b)), binary.BigEndian.Uint32(b[2:]); id {
			case SettingInitialWindowSize:
				want, valid = int64(v), v <= 1<<31-1
			case SettingHeaderTableSize, SettingMaxConcurrentStreams, SettingMaxHeaderListSize: // any value
			default:
				valid = id > SettingNoRFC7540Priorities // that are ignored
			}
		}
		if !valid {
			return
		}
		data := append(settingsFrame(), wire(TypeHeaders, FlagEndHeaders, 1, []byte{0x88})...)
		after := upgraded(role, settings, [2][]byte{append(data, wire(TypeData, 0, 1, nil)...)}, 1<<20)
		left := after.last.StreamRecv
		if role == Server {
			left = after.last.StreamSend
		}
		if !left.Known || left.Bytes != want {
			t.Errorf("settings %x: stream 1 has %+v left, want %d", settings, left, want)
		}
	})
}
