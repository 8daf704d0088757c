package tls

import "h2trace/decoder/tls/record"

// takeScratch returns memory for the plaintext of a record. It is the same until
// lendScratch.
func (c *Conn) takeScratch() []byte {
	budget := c.sides[0].queue.budget
	if c.scratch == nil {
		c.scratch, budget.scratch = budget.scratch, nil
	}
	if c.scratch == nil {
		c.scratch = make([]byte, 0, record.MaxCiphertext12)
	}
	return c.scratch
}

// lendScratch gives that memory to the next Conn that needs some.
func (c *Conn) lendScratch() {
	if c.scratch != nil {
		c.sides[0].queue.budget.scratch, c.scratch = c.scratch, nil
	}
}
