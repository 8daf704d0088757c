package har

import (
	"net/netip"
	"strconv"
	"strings"

	"h2trace/export/scan"
)

// conn takes the address of the server of a connection.
func (h *Writer) conn() {
	e := &h.event
	id := e.Word("conn")
	if len(id) == 0 || len(id) > maxID {
		return
	}
	key := "remote"
	if scan.Is(e.Get("role"), "server") {
		key = "local"
	}
	if addr, err := netip.ParseAddrPort(string(e.Word(key))); err == nil {
		h.servers.Add(string(id), addr.Addr().Unmap().WithZone("").String())
	}
}

// server returns the address of the server of the event, or "".
func (h *Writer) server() string {
	server, _ := h.servers.Get(string(h.event.Word("conn")))
	return server
}

// connection names a connection. In each recording, ids begin anew.
func (h *Writer) connection(id string) string {
	if h.recordings == 0 {
		return id
	}
	return id + " of recording " + strconv.Itoa(h.recordings+1)
}

// httpVersion names a protocol as nghttp and browsers do.
func httpVersion(protocol string) string {
	switch protocol {
	case "h2", "h2c":
		return "HTTP/2.0"
	case "":
		return "unknown"
	}
	return strings.ToUpper(protocol)
}
