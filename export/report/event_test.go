package report

import (
	"reflect"
	"strings"
	"testing"
)

// TestParseOrder demands that the order of keys does not matter.
func TestParseOrder(t *testing.T) {
	for _, text := range []string{
		`"v":1|"ts":"` + at(5) + `"|"event":"conn"|"pid":7|"conn":"c1"|"action":"close"|"tls":{"version":"TLS 1.3"}|"rtt_ms":1.5|"bytes_sent":3|"bytes_received":4`,
		`"v":1|"ts":"` + at(5) + `"|"event":"process"|"pid":7|"action":"exec"|"ppid":1|"exe":"/bin/go"|"args":["go","list"]`,
		`"v":1|"ts":"` + at(5) + `"|"event":"exchange"|"pid":7|"conn":"c1"|"url":"https://a.example/"|"wait_ms":1.0|"stall_ms":{"recv_window":2.0}|"module":{"path":"m","kind":"zip"}`,
	} {
		keys := strings.Split(text, "|")
		var forth, back parser
		want := forth.parse([]byte("{" + strings.Join(keys, ",") + "}"))
		var reversed []string
		for _, k := range keys {
			reversed = append([]string{k}, reversed...)
		}
		if got := back.parse([]byte("{" + strings.Join(reversed, ",") + "}")); want == nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// TestParseKeepsNothing demands that an event has nothing of the one before it.
func TestParseKeepsNothing(t *testing.T) {
	begin := `{"v":1,"ts":"` + at(5) + `","event":"conn","pid":7,`
	var p, fresh parser
	p.parse([]byte(begin + `"conn":"c1","action":"failed","name":"a.example","error":{"class":"dns","detail":"x"},"connect_ms":1}`))
	bare := []byte(begin + `"action":"failed"}`)
	if got, want := p.parse(bare), fresh.parse(bare); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestParseAllocates demands that parsing allocates nothing for an event.
func TestParseAllocates(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(string(recording())), "\n")
	var bytes [][]byte
	for _, line := range lines {
		bytes = append(bytes, []byte(line))
	}
	var p parser
	p.parse(bytes[0])
	if n := testing.AllocsPerRun(3, func() {
		for _, line := range bytes {
			if p.parse(line) == nil {
				t.Fatal("no event")
			}
		}
	}); n > 0 {
		t.Errorf("%d lines allocate %v times", len(bytes), n)
	}
}
