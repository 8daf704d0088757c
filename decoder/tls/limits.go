package tls

// The bounds on the memory and the work of a Conn, whatever its peers send. Buffers grow
// with the bytes seen, never with a length that is only announced. Budget bounds the
// buffers of all connections together.
const (
	// maxWaiting bounds the ciphertext of a direction that waits: for its secret, for
	// what the other direction says, or for the rest of a record. It is the send window
	// of a busy connection at the end of its handshake, and holds many records.
	maxWaiting = 512 << 10

	// maxSecrets bounds the secrets of one label. Others than the first are used where
	// that does not fit; a peer may send the client random of another connection.
	maxSecrets = 4

	// maxTrials bounds the record numbers that are tried for one record. In between lie
	// at least 22 bytes each, and 16 kB in bulk.
	maxTrials = 1 << 17

	// maxSearch bounds the bytes that one search passes over, and maxSearchWork its
	// work, in bytes that are deciphered; a try costs as much as leastWork of them more.
	// Random bytes hold a header of a record once in some 8 MB.
	maxSearch     = 1 << 20
	maxSearchWork = 64 << 20
	leastWork     = 512

	// joinedBefore and joinedAfter bound how far the record number that was read from
	// memory may be from that of the first record found.
	joinedBefore = 1 << 14
	joinedAfter  = 1 << 14
)

// Budget bounds the ciphertext that waits in many connections together. It is not safe
// for concurrent use.
type Budget struct{ most, held int }

// NewBudget returns a Budget of most bytes.
func NewBudget(most int) *Budget { return &Budget{most: most} }

// over reports whether n more bytes exceed the Budget.
func (b *Budget) over(n int) bool { return b.held+n > b.most }
