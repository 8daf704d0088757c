package report

import (
	"encoding/json"

	"h2trace/decoder/goproxy"
)

// spoilt takes what a go command says of responses that were complete, and wrong
// all the same: the failure is one of the proxy that they came from.
func (b *Builder) spoilt(x *exchangeKeys) {
	class := classOf(x)
	if x.requests == nil || class != "checksum" && class != "protocol" {
		return
	}
	var requests []struct{ URL, Proxy string }
	if json.Unmarshal(x.requests, &requests) != nil {
		return
	}
	for _, r := range requests {
		asked, ok := goproxy.Parse(r.URL)
		if !ok || asked.Kind.OfSumDB() {
			continue
		}
		name := r.Proxy
		if name == "" {
			name = proxyOf(r.URL)
		}
		if p := b.proxies.values[name]; p != nil {
			p.fail(class)
			p.modules.fail(class)
		}
		if k := b.kinds.values[string(asked.Kind)]; k != nil {
			k.fail(class)
		}
	}
	if m := b.modules.values[text(x.path)+"@"+text(x.version)]; m != nil && len(requests) > 0 {
		m.failures++
	}
}
