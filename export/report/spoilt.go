package report

import "h2trace/decoder/goproxy"

// spoilt takes what a go command says of a response that was complete, and wrong
// all the same: the failure is one of the proxy that it came from.
func (b *Builder) spoilt(t *trouble, of *spoken) {
	asked, ok := goproxy.Parse(of.URL)
	if !ok || asked.Kind.OfSumDB() || t.class != "checksum" && t.class != "protocol" {
		return
	}
	name := of.Proxy
	if name == "" {
		name = proxyOf(of.URL)
	}
	if p := b.proxies.values[name]; p != nil {
		p.fail(t.class)
		p.modules.fail(t.class)
	}
	if k := b.kinds.values[string(asked.Kind)]; k != nil {
		k.fail(t.class)
	}
	path, version := t.path, t.version
	if path == "" {
		path, version = asked.Path, asked.Version
	}
	if m := b.modules.values[path+"@"+version]; m != nil {
		m.failures++
	}
}
