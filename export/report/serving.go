package report

import (
	"cmp"
	"fmt"
	"slices"
)

// maxClients bounds the clients that are told apart.
const maxClients = 256

// served is what the observed processes did as servers.
type served struct {
	clients byName[client]
	all     tally
	rtt     sketch // to clients
}

// client is what one client asked for.
type client struct {
	tally
	conns int64
}

// failed returns how many requests the server failed: what it answered with an error
// of its own, not what it refused, or what clients gave up.
func (s *served) failed() (n int64) {
	for class, count := range s.all.failures {
		if class != "http_4xx" && class != "aborted" {
			n += count
		}
	}
	return n
}

// evidence says that an observed server failed requests.
func (s *served) evidence() []string {
	n := s.failed()
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the observed server failed %d of %d requests (%s)", n, s.all.requests, failureCell(s.all.failures))}
}

// ServedClient is what one client asked an observed server for.
type ServedClient struct {
	Client string `json:"client"`
	Tally
	Conns int64 `json:"conns"`
}

func (s *served) report() []ServedClient {
	list := []ServedClient{}
	for name, c := range s.clients.values {
		if name != "" {
			list = append(list, ServedClient{name, c.report(), c.conns})
		}
	}
	slices.SortFunc(list, func(a, b ServedClient) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Client, b.Client))
	})
	return list
}
