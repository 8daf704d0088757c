package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestLogMemory reads many URLs, complaints and requests without an end.
func TestLogMemory(t *testing.T) {
	b := NewBuilder()
	b.log = newXLog(-1)
	add := func(format string, args ...any) {
		line := []byte(fmt.Sprintf(format, args...) + "\n")
		b.logLine(line, bytes.TrimSpace(line))
	}
	for i := range 100_000 {
		url := fmt.Sprintf("https://%d.example/%d.example/m/@v/v1.0.0.zip", i, i)
		add("# get %s", url)
		if i%2 == 0 {
			add("# get %s: %d Status (0.010s)", url, 200+i%400)
		}
		add("go: example.com/m%d@v1.0.0: reading %s: 404 Not Found%s", i, url, strings.Repeat("x", 1000))
		add("cd /m/%d; git fetch %d", i, i)
		add("mkdir -p /m # git3 https://%d.example/x", i)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("holds %d MB", m.HeapAlloc>>20)
	if m.HeapAlloc > 48<<20 {
		t.Errorf("holds %d MB", m.HeapAlloc>>20)
	}
	b.endLog()
	r := b.Report()
	if got := r.Logs.Requests + r.Logs.Unended - int64(maxUnended); got != 100_000 {
		t.Errorf("%d requests, %d of them unended", r.Logs.Requests, r.Logs.Unended)
	}
}

func FuzzLog(f *testing.F) {
	f.Add([]byte(xSample), []byte("\r\n"))
	f.Add([]byte("# get http://a/@v/list: 4\n# get http://a/@v/list: 400 x (99999999.999s)\ngo: \n\n a\n0.000s # git \n# lock  # git3 ://\n"), []byte("x"))
	f.Fuzz(func(t *testing.T, data, more []byte) {
		b := NewBuilder()
		for _, part := range [][]byte{data, append(bytes.Clone(data), more...)} {
			if err := b.Read(bytes.NewReader(part)); err != nil {
				t.Fatal(err)
			}
		}
		r := b.Report()
		var out bytes.Buffer
		if err := r.WriteText(&out); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' }); i >= 0 {
			t.Errorf("a control character in %q", out.String())
		}
		text, err := json.Marshal(r)
		if err != nil || !json.Valid(text) {
			t.Errorf("%s: %v", text, err)
		}
		if l := r.Logs; l != nil && (l.Requests > l.Lines || l.Requests < 0 || l.Wait < 0) {
			t.Errorf("%+v", *l)
		}
		_, _ = b.Suggest()
	})
}
