package plan

import "h2trace/bpf/layout"

// HandshakeEnd is the end of a handshake, once a connection.
const HandshakeEnd Tap = "handshake_end"

// phaseFunctions are its functions.
var phaseFunctions = []string{"crypto/tls.(*Conn).clientHandshake", "crypto/tls.(*Conn).serverHandshake"}

// planPhases adds the places of HandshakeEnd to a plan.
func (e *executable) planPhases(p *Plan) error {
	p.TLS = layout.ReleasedTLS(e.goVersion)
	for _, name := range phaseFunctions {
		f, err := e.function(name)
		if err != nil {
			return err
		}
		if f == nil {
			continue
		}
		list, err := f.decode()
		if err != nil {
			continue
		}
		var sites []Site
		for _, off := range list.returns() {
			sites = append(sites, Site{Tap: HandshakeEnd, Kind: Ret, Addr: f.addr + off})
		}
		placed, err := e.place(f, sites...)
		if err != nil {
			return err
		}
		p.Phases = append(p.Phases, placed...)
	}
	return nil
}
