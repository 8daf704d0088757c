package report

import (
	"cmp"
	"fmt"
	"slices"
)

// maxClients bounds the distinguished clients.
const maxClients = 256

// served is the tally of the observed processes as servers.
type served struct {
	clients byName[client]
	all     tally
	rtt     sketch // to clients
}

// client is the tally of one client.
type client struct {
	tally
	conns int64
}

// failed returns the number of requests that the server answered with an error of its own.
// Requests that it refused, or that clients gave up, do not count.
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

// ServedClient is the tally of one client of an observed server.
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
