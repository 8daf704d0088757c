package decoder

import (
	"bytes"
	"testing"
)

// TestUpgrade has stream 1 begin as in RFC 7540 §3.2, on either side, with valid and invalid
// settings in the request.
func TestUpgrade(t *testing.T) {
	window := []byte{0, 4, 0, 0, 0x27, 0x10} // INITIAL_WINDOW_SIZE 10000
	for _, tt := range []struct {
		name     string
		role     Role
		settings []byte
		want     int64 // credit of stream 1 towards the client after 100 bytes
	}{
		{"client", Client, window, 9900},
		{"server", Server, window, 9900},
		{"no settings", Server, nil, 65435},
		{"cut settings", Client, window[:5], 65435},
		{"window that is none", Client, []byte{0, 4, 0xff, 0xff, 0xff, 0xff}, 65435},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sink := &windowSink{}
			c := NewConn(Config{Role: tt.role, FromStart: true}, sink)
			client, server := Send, Recv
			if tt.role == Server {
				client, server = server, client
			}
			c.Upgrade(1, tt.settings)
			c.Data(2, server, settingsFrame())
			c.Data(3, server, wire(TypeHeaders, FlagEndHeaders, 1, []byte{0x88}))
			c.Data(4, server, wire(TypeData, 0, 1, make([]byte, 100)))
			left := sink.last.StreamRecv
			if tt.role == Server {
				left = sink.last.StreamSend
			}
			if !left.Known || left.Bytes != tt.want {
				t.Errorf("stream 1 has %+v left, want %d", left, tt.want)
			}
			c.Data(5, client, append(bytes.Clone(preface), settingsFrame()...))
			c.Data(6, server, wire(TypeData, FlagEndStream, 1, nil))
			if len(sink.violations) > 0 || len(c.streams.byID) != 0 || c.Frames(client) != 1 || c.Frames(server) != 4 {
				t.Errorf("violations %v, %d streams open, %d and %d frames", sink.violations, len(c.streams.byID), c.Frames(client), c.Frames(server))
			}
		})
	}
}

// windowSink records the windows after the last frame.
type windowSink struct {
	recorder
	last   Window
	broken *Violation
}

func (s *windowSink) Frame(f *Frame) {
	s.recorder.Frame(f)
	s.last = f.Window
	if f.Violation != nil {
		s.broken = f.Violation
	}
}
