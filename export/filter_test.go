package export

import (
	"strings"
	"testing"

	"h2trace/decoder"
)

func TestParseEvents(t *testing.T) {
	tests := []struct {
		list  string
		kinds string // printed kinds
		types string // printed types of frames, of DATA, HEADERS and 0x2a
	}{
		{"all", "process conn frame request exchange stall verify loss summary", "DATA HEADERS UNKNOWN_0x2a"},
		{"conn,ALL", "process conn frame request exchange stall verify loss summary", "DATA HEADERS UNKNOWN_0x2a"},
		{"conn", "conn loss summary", ""},
		{"Exchange, stall", "exchange stall loss summary", ""},
		{"loss", "loss summary", ""},
		{"frame", "frame loss summary", "DATA HEADERS UNKNOWN_0x2a"},
		{"frame=HEADERS", "frame loss summary", "HEADERS"},
		{"frame=data+unknown_0x2A,conn", "conn frame loss summary", "DATA UNKNOWN_0x2a"},
		{"frame=DATA,frame=HEADERS", "frame loss summary", "DATA HEADERS"},
		{"frame=DATA,frame", "frame loss summary", "DATA HEADERS UNKNOWN_0x2a"},
		{"frame=PRIORITY_UPDATE", "frame loss summary", ""},
	}
	for _, tt := range tests {
		t.Run(tt.list, func(t *testing.T) {
			f, err := ParseEvents(tt.list)
			if err != nil {
				t.Fatal(err)
			}
			var kinds, types []string
			for k := KindProcess; k <= KindSummary; k++ {
				if f.shows(k) {
					kinds = append(kinds, k.String())
				}
			}
			for _, ft := range []decoder.Type{decoder.TypeData, decoder.TypeHeaders, 0x2a} {
				if f.showsFrame(ft) {
					types = append(types, ft.String())
				}
			}
			if got := strings.Join(kinds, " "); got != tt.kinds {
				t.Errorf("kinds: got %q, want %q", got, tt.kinds)
			}
			if got := strings.Join(types, " "); got != tt.types {
				t.Errorf("types: got %q, want %q", got, tt.types)
			}
		})
	}
}

func TestParseEventsErrors(t *testing.T) {
	tests := []struct{ list, want string }{
		{"frames", `unknown event kind "frames" (valid: process, conn, frame, request, exchange, stall, verify, loss, summary, all, frame=TYPE+TYPE)`},
		{"", `unknown event kind ""`},
		{"conn,", `unknown event kind ""`},
		{"conn=open", `unknown event kind "conn=open"`},
		{"all=1", `unknown event kind "all=1"`},
		{"frame=", `unknown frame type ""`},
		{"frame=HEADERS+HEADER", `unknown frame type "HEADER" (valid: DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, ` +
			`GOAWAY, WINDOW_UPDATE, CONTINUATION, ALTSVC, ORIGIN, PRIORITY_UPDATE, UNKNOWN_0x2a)`},
	}
	for _, tt := range tests {
		if _, err := ParseEvents(tt.list); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %s", tt.list, err, tt.want)
		}
	}
}

// TestFilter checks that only the selected events are printed, and loss and summary always.
func TestFilter(t *testing.T) {
	print := func(j *JSONL) {
		j.Process(Meta{}, &Process{}, ProcessExec{})
		j.Conn(Meta{}, &Conn{}, ConnOpen{})
		j.Frame(Meta{}, &decoder.Frame{Type: decoder.TypeData})
		j.Frame(Meta{}, &decoder.Frame{Type: decoder.TypePing})
		j.Verify(Meta{}, &Difference{})
		j.Loss(&Loss{})
		j.Summary(&Summary{})
	}
	tests := []struct{ list, want string }{
		{"all", "process conn frame frame verify loss summary"},
		{"process", "process loss summary"},
		{"conn", "conn loss summary"},
		{"frame=PING", "frame loss summary"},
		{"stall", "loss summary"},
		{"verify", "verify loss summary"},
	}
	for _, tt := range tests {
		f, err := ParseEvents(tt.list)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		j := NewJSONL(&out, Options{Events: f})
		print(j)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for l := range strings.Lines(out.String()) {
			_, rest, _ := strings.Cut(l, `"event":"`)
			kind, _, _ := strings.Cut(rest, `"`)
			kinds = append(kinds, kind)
		}
		if got := strings.Join(kinds, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.list, got, tt.want)
		}
	}
}
