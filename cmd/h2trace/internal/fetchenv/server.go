package fetchenv

import (
	"cmp"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Server is the server of a URL in the settings of a process.
type Server struct {
	Port string

	host string
}

func serverOf(u *url.URL) Server {
	return Server{host: strings.ToLower(u.Hostname()), Port: PortOf(u)}
}

// PortOf returns the port of a URL, or the default port of its scheme.
func PortOf(u *url.URL) string {
	defaults := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}
	return cmp.Or(u.Port(), defaults[strings.ToLower(u.Scheme)])
}

// Certainty says whether a connection is to a server.
type Certainty uint8

// The values of Certainty.
const (
	No      Certainty = iota
	Perhaps           // the port is the same, and the name was not seen to be resolved
	Sure
)

// Is reports whether a connection to an address is to the server. name is the name
// that was resolved to the address, or empty if no resolution was seen. The zero
// address stands for a name that was not found.
func (s *Server) Is(remote netip.AddrPort, name string) Certainty {
	addr := remote.Addr().Unmap()
	if remote.IsValid() && strconv.Itoa(int(remote.Port())) != s.Port {
		return No
	}
	if ip, err := netip.ParseAddr(s.host); err == nil {
		if ip.Unmap() == addr {
			return Sure
		}
		return No
	}
	switch name = strings.ToLower(strings.TrimSuffix(name, ".")); {
	case name == s.host, name != "" && !strings.Contains(s.host, ".") && strings.HasPrefix(name, s.host+"."):
		return Sure // also with a domain of the search list
	case name != "" || !remote.IsValid():
		return No
	case s.host == "localhost":
		if addr.IsLoopback() {
			return Sure
		}
		return No
	}
	return Perhaps
}
