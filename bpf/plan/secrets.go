package plan

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// KeyLog is where a handshake derives a secret, with or without a KeyLogWriter: once
// in TLS 1.2, four times in TLS 1.3.
const KeyLog Tap = "key_log"

// keyLogFunction ends the name of its function, which crypto/tls has, and forks such as
// uTLS. It is too long to be inlined.
const keyLogFunction = ".(*Config).writeKeyLog"

// secrets returns a place in each function that gets the secrets of handshakes. At the
// entry of one a secret may be reported twice: the entry runs again when the stack
// grows. A function that is damaged, or in no segment of code, has no place.
func (e *executable) secrets(mode Mode) ([]Site, error) {
	var places []Site
	for _, name := range slices.Sorted(maps.Keys(e.symbols)) {
		path, found := strings.CutSuffix(name, keyLogFunction)
		if !found {
			continue
		}
		sites, err := e.secretsIn(name, mode)
		if _, damaged := errors.AsType[*NotTraceableError](err); damaged {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, s := range sites {
			s.Package = importPath(path)
			places = append(places, s)
		}
	}
	return places, nil
}

func (e *executable) secretsIn(name string, mode Mode) ([]Site, error) {
	f, err := e.function(name)
	if err != nil {
		return nil, err
	}
	return e.sites(f, KeyLog, mode)
}

// importPath undoes the escapes of an import path in a symbol: "%2e" for a dot in its
// last element.
func importPath(symbol string) string {
	if path, err := url.PathUnescape(symbol); err == nil {
		return path
	}
	return symbol
}
