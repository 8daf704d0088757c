package capture

// Codes of options.
const (
	optionEnd        = 0
	optionFlags      = 2  // of a packet
	optionName       = 2  // of an interface: if_name
	optionResolution = 9  // of an interface: if_tsresol
	optionOffset     = 14 // if_tsoffset
	optionDropped    = 5  // of statistics: isb_ifdrop
)

// options calls f with each option of a block. It reports whether their lengths fit.
func (p *pcapng) options(b []byte, f func(code uint16, value []byte)) bool {
	for len(b) >= 4 {
		code, length := p.order.Uint16(b), int(p.order.Uint16(b[2:]))
		b = b[4:]
		if code == optionEnd {
			return true
		}
		if length > len(b) {
			return false
		}
		f(code, b[:length])
		b = b[min((length+3)&^3, len(b)):]
	}
	return true
}
