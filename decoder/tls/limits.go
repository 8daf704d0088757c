package tls

// The bounds on the memory and the work of a Conn, whatever its peers send. Buffers grow
// with the bytes seen, never with a length that is only announced. Budget bounds the
// ciphertext of all connections together.
//
// A Conn whose peers say nothing more takes some 1.5 kB, whatever the hello was, and 6 kB
// with its keys. A direction takes up to maxWaiting and the last bytes given for its
// ciphertext, 100 kB for their times, and 256 kB for an incomplete handshake message. While
// it waits for Join, maxJoining replaces maxWaiting.
const (
	// maxWaiting bounds the ciphertext of a direction that waits: for its secret, for
	// what the other direction says, or for the rest of a record. It is the send window
	// of a busy connection at the end of its handshake, and holds many records.
	maxWaiting = 512 << 10

	// maxJoining bounds it for a direction that waits for Join, and for no other: finding
	// the keys of a busy connection takes some 50 ms.
	maxJoining = 4 << 20

	// maxSecrets bounds the secrets of one label and client random. Others than the first
	// are used where that does not fit; a peer may send the client random of another
	// connection. maxAllSecrets bounds them together: the oldest goes. A renegotiation
	// has one of its own.
	maxSecrets    = 4
	maxAllSecrets = 64

	// maxTrials bounds the record numbers that are tried for one record. In between lie
	// at least 22 bytes each, and 16 kB in bulk.
	maxTrials = 1 << 17

	// maxSearch bounds the bytes that one search passes over; maxJoining does so for a
	// Reader of Join. maxSearchWork bounds the work of all searches of a direction since
	// its last Join, in bytes that are deciphered, beyond the bytes that it opens; a try
	// costs as much as leastWork of them more, and 3DES tripleDESWork times as much. That
	// is half a second, also where a peer sends what looks like one record after the
	// other. Random bytes hold a header of a record once in some 8 MB.
	maxSearch     = 1 << 20
	maxSearchWork = 256 << 20
	leastWork     = 512
	tripleDESWork = 32

	// maxPlaces bounds the ends of records that Place knows in a direction, 64 kB. Full
	// records of so many are 128 MB, and some that the process has not read may be small.
	maxPlaces = 8192

	// joinedFar bounds how far the record number that was read from memory may be from
	// that of the first record found. Numbers up to joinedNear away are tried first.
	joinedNear = 1 << 6
	joinedFar  = 1 << 12
)

// Budget bounds the ciphertext that waits in many connections together. It is not safe
// for concurrent use.
type Budget struct {
	most, held int
	spare      []byte // memory of a queue that is empty
	scratch    []byte // memory for the plaintext of one record, unless a Conn has it
}

// NewBudget returns a Budget of most bytes.
func NewBudget(most int) *Budget { return &Budget{most: most} }

// over reports whether n more bytes exceed the Budget.
func (b *Budget) over(n int) bool { return b.held > b.most-n }
