package e2e

import (
	"encoding/json"
	"fmt"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// checkBalance requires that the ledger of a run balances: everything seen was
// delivered or lost, and each loss was announced once.
func checkBalance(s *contract.Stream) error {
	b, err := s.Summary.Balance()
	if err != nil {
		return err
	}
	if b.Seen != b.Delivered+b.Lost {
		return fmt.Errorf("%d records seen, %d delivered, %d lost", b.Seen, b.Delivered, b.Lost)
	}
	var announced int64
	for _, e := range s.Of("loss") {
		var n int64
		if err := json.Unmarshal(e.Records, &n); err != nil {
			return err
		}
		announced += n
	}
	if announced != b.Lost {
		return fmt.Errorf("loss lines announce %d records, summary has %d", announced, b.Lost)
	}
	return nil
}
