package otlp

import (
	"strings"
	"testing"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"

	"h2trace/export/metrics"
	"h2trace/export/otlp/otlptest"
)

// TestLengths has messages on both sides of each number of bytes that a length takes.
func TestLengths(t *testing.T) {
	for _, n := range []int{0, 1, 100, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 16370, 16380, 16384, 1 << 21} {
		var m message
		a := unlimited(&m, 1)
		text := strings.Repeat("x", n)
		a.textOrEmpty("k", text)
		a.integer("i", -1)
		var list common.KeyValueList
		if err := proto.Unmarshal(m, &list); err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if len(list.Values) != 2 || list.Values[0].Value.GetStringValue() != text || list.Values[1].Value.GetIntValue() != -1 {
			t.Errorf("%d bytes are not the same", n)
		}
	}
}

// TestUTF8 has bytes that are no UTF-8 wherever a text comes from. The collector of the test
// refuses a batch for one of them, as others do.
func TestUTF8(t *testing.T) {
	const bad, good = "a\xffb\xc3", "a\ufffdb\ufffd"
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "team=a%FFb%C3")
	open := strings.Replace(openLine, `"name":"shop.example"`, `"name":"`+bad+`"`, 1)
	exec := strings.Replace(execLine, "/usr/bin/client", "/"+bad, 1)
	line := strings.Replace(exchangeLine(okKeys), "GET", bad, 1)
	line = strings.Replace(line, "shop.example/cart?id=7", bad+".example/"+bad, 1)
	line = strings.Replace(line, `"error":null`, `"error":{"class":"reset","detail":"`+bad+`"}`, 1)
	line = strings.ReplaceAll(line, `"comm":"client"`, `"comm":"`+bad+`"`)
	c := otlptest.Start(t, nil)
	r := metrics.New(metrics.Options{})
	x, said := start(t, c.URL)
	x.opts.Host = bad
	for _, line := range []string{exec, open, line} {
		x.Line([]byte(line))
		r.Take([]byte(line))
	}
	if got := x.Close(30 * time.Second).Spans; got.Sent != 5 {
		t.Fatalf("%+v; it says %q", got, said.all())
	}
	get := named(t, c.Spans(), "HTTP")
	if a := get.Attributes; a["http.request.method_original"] != good || a["url.full"] != "https://"+good+".example/"+good || get.Status.Message != good {
		t.Errorf("attributes %v, status %v", a, get.Status)
	}
	if a := get.Resource; a["team"] != good || a["host.name"] != good || a["service.name"] != good || a["process.executable.name"] != good {
		t.Errorf("resource %v", a)
	}
	named(t, c.Spans(), "HTTP connection_setup "+good+":443")
}
