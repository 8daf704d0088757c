package plan

// Spot is where a *tls.Conn that was open before is at hand: in Read and Write.
const Spot Tap = "spot"

// Spots returns the places of Spot. Without the layout of a tls.Conn nothing is read there,
// so there are none.
func (p *Plan) Spots() []Site {
	if p.TLS == nil {
		return nil
	}
	var places []Site
	for _, s := range p.Sites {
		if (s.Tap == Read || s.Tap == Write) && s.Kind != Ret {
			s.Tap = Spot
			places = append(places, s)
		}
	}
	return places
}
