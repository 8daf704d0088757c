package report

import (
	"h2trace/decoder/goproxy"
	"h2trace/export/redact"
	"h2trace/export/scan"
)

// tables counts the requests to servers, by server and by requested thing.
type tables struct {
	proxies proxyTable
	kinds   byName[tally]
	modules byName[module]
}

func newTables() tables {
	return tables{
		proxies: proxyTable{newByName[proxy](maxProxies)},
		kinds:   newByName[tally](maxKinds),
		modules: newByName[module](maxModules),
	}
}

// fetched takes a request to a module proxy.
func (s *tables) fetched(x *exchangeEvent) {
	if k := s.kinds.get(scan.Text(x.kind)); k != nil {
		k.add(x)
	}
	if x.path != nil && !scan.Is(x.kind, "list") && !scan.Is(x.kind, "latest") {
		if name := scan.Text(x.path); name != "" {
			if m := s.modules.get(name + "@" + scan.Text(x.version)); m != nil {
				m.add(x)
			}
		}
	}
}

// unreached takes a request that did not reach its server, for a module or not.
func (s *tables) unreached(name, class string, module bool) {
	p := s.proxies.get(name)
	if p == nil {
		return
	}
	p.requests++
	p.fail(class)
	if module {
		p.modules.requests++
		p.modules.fail(class)
	}
}

// blame records that a go command failed because of a proxy.
func (s *tables) blame(proxy, class string) {
	if p := s.proxies.values[proxy]; p != nil {
		p.blamed = class
	}
}

// spoilt takes a complaint about a complete but wrong response, and reports whether it is
// one. The failure is that of the proxy that sent it.
func (s *tables) spoilt(t *trouble, of *spoken) bool {
	asked, ok := goproxy.Parse(redact.Parseable(of.URL))
	if !ok || asked.Kind.OfSumDB() || t.class != "checksum" && t.class != "protocol" {
		return false
	}
	name := of.Proxy
	if name == "" {
		name = proxyOf(of.URL)
	}
	if p := s.proxies.values[name]; p != nil {
		p.fail(t.class)
		p.modules.fail(t.class)
	}
	if k := s.kinds.values[string(asked.Kind)]; k != nil {
		k.fail(t.class)
	}
	path, version := t.path, t.version
	if path == "" {
		path, version = asked.Path, asked.Version
	}
	if m := s.modules.values[path+"@"+version]; m != nil {
		m.failures++
	}
	return true
}

// harmless uncounts a failure.
func (s *tables) harmless(q *query) {
	if p := s.proxies.values[q.proxy]; p != nil {
		p.excuse(q.of)
		p.modules.excuse(q.of)
	}
	if k := s.kinds.values[q.kind]; k != nil {
		k.excuse(q.of)
	}
}
