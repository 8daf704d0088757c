package plan

import "h2trace/bpf/layout"

// The taps that observe a handshake: its end, and the verification of the peer's
// certificate, once a connection each.
const (
	HandshakeEnd   Tap = "handshake_end"
	Certificate    Tap = "certificate"
	CertificateEnd Tap = "certificate_end"
)

// phaseFunctions are their functions.
var phaseFunctions = []struct {
	name    string
	entry   Tap // "" for none
	returns Tap
}{
	{"crypto/tls.(*Conn).clientHandshake", "", HandshakeEnd},
	{"crypto/tls.(*Conn).serverHandshake", "", HandshakeEnd},
	{"crypto/tls.(*Conn).verifyServerCertificate", Certificate, CertificateEnd},
}

// planPhases adds the handshake taps to a plan.
func (e *executable) planPhases(p *Plan) error {
	p.TLS = layout.ReleasedTLS(e.goVersion)
	for _, pf := range phaseFunctions {
		f, err := e.function(pf.name)
		if err != nil {
			return err
		}
		if f == nil {
			continue
		}
		list, err := f.decode()
		rets := returns(list)
		if err != nil || len(rets) == 0 {
			continue
		}
		var sites []Site
		if pf.entry != "" {
			in, kind, ok := afterStackCheck(list)
			if !ok {
				continue
			}
			sites = append(sites, Site{Tap: pf.entry, Kind: kind, Addr: f.addr + in.off})
		}
		for _, in := range rets {
			sites = append(sites, Site{Tap: pf.returns, Kind: Ret, Addr: f.addr + in.off})
		}
		placed, err := e.place(f, sites...)
		if err != nil {
			return err
		}
		p.Phases = append(p.Phases, placed...)
	}
	return nil
}
