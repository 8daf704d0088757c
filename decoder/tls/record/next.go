package record

// Next returns a Reader of the next generation of keys, with the number 0, and leaves
// this one as it is. See Update.
func (r *Reader) Next() (*Reader, error) {
	if len(r.secret) == 0 {
		return nil, ErrNoSecret
	}
	next, err := NewTLS13(r.suite, r.secret)
	if err != nil {
		return nil, err
	}
	if err := next.Update(); err != nil {
		next.Wipe()
		return nil, err
	}
	return next, nil
}

// FindCost returns how many calls of Open a Find of n numbers costs at most.
func (r *Reader) FindCost(n uint64) uint64 {
	if a, ok := r.opener.(*aead); ok && a.block != nil && a.version == TLS13 {
		return min(n, 1)
	}
	return n
}
