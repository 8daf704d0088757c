package tls_test

import (
	gotls "crypto/tls"
	"testing"
)

// scenario is a pair of configurations.
type scenario struct {
	name           string
	client, server func(*gotls.Config)
	resumed        bool
}

func scenarios() (list []scenario) {
	suites := func(id uint16) func(*gotls.Config) {
		return func(c *gotls.Config) { c.MaxVersion, c.CipherSuites = gotls.VersionTLS12, []uint16{id} }
	}
	for _, id := range []uint16{
		gotls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, gotls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		gotls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, gotls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
		gotls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	} {
		list = append(list, scenario{name: gotls.CipherSuiteName(id), client: suites(id)})
	}
	tls12 := func(c *gotls.Config) { c.MaxVersion = gotls.VersionTLS12 }
	return append(list,
		scenario{name: "TLS 1.3"},
		scenario{name: "TLS 1.3 resumed", resumed: true},
		scenario{name: "TLS 1.2 resumed", client: tls12, resumed: true},
		scenario{name: "HelloRetryRequest", server: func(c *gotls.Config) { c.CurvePreferences = []gotls.CurveID{gotls.CurveP521} }},
		scenario{name: "client certificate", server: func(c *gotls.Config) { c.ClientAuth = gotls.RequestClientCert }},
		scenario{name: "client certificate TLS 1.2", client: tls12, server: func(c *gotls.Config) { c.ClientAuth = gotls.RequestClientCert }},
		scenario{name: "small records", client: func(c *gotls.Config) { c.DynamicRecordSizingDisabled = false }},
	)
}

// record returns the conversation of a scenario.
func (s *scenario) record(t testing.TB, sizes []int) *conversation {
	t.Helper()
	cert := certificate(t)
	client := &gotls.Config{
		ServerName: "goproxy.example", InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"},
		Certificates: []gotls.Certificate{cert}, DynamicRecordSizingDisabled: true,
		ClientSessionCache: gotls.NewLRUClientSessionCache(4),
	}
	server := &gotls.Config{Certificates: []gotls.Certificate{cert}, NextProtos: []string{"h2"}}
	if s.client != nil {
		s.client(client)
	}
	if s.server != nil {
		s.server(server)
	}
	if !s.resumed {
		return talk(t, client, server, sizes)
	}
	before := talk(t, client, server, []int{1, 1})
	conv := talk(t, client, server, sizes)
	conv.before = before
	return conv
}
