package metricsserver

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Address is where a Server listens: host and port. It is a pflag.Value.
type Address string

// loopback is the host of an address without one.
const loopback = "127.0.0.1"

// Set takes HOST:PORT, :PORT or PORT, of which the last two are of loopback.
func (a *Address) Set(s string) error {
	text := s
	if !strings.Contains(text, ":") {
		text = ":" + text
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("%q is no address, such as :9464 or 192.0.2.1:9464", s)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is no port from 0 to 65535", port)
	}
	if host == "" {
		host = loopback
	}
	*a = Address(net.JoinHostPort(host, port))
	return nil
}

// String is part of pflag.Value.
func (a *Address) String() string { return string(*a) }

// Type is part of pflag.Value.
func (a *Address) Type() string { return "ADDR" }

// isLoopback reports whether only programs on this host reach an address.
func isLoopback(a net.Addr) bool {
	at, err := netip.ParseAddrPort(a.String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}
