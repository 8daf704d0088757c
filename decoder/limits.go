package decoder

// Constants of the protocol.
const (
	frameHeaderLen  = 9         // RFC 9113 §4.1
	maxWindow       = 1<<31 - 1 // RFC 9113 §6.9.1
	defaultWindow   = 65535     // RFC 9113 §6.9.2
	minMaxFrameSize = 1 << 14   // RFC 9113 §4.2, and the initial value
	maxMaxFrameSize = 1<<24 - 1 // RFC 9113 §4.2
	defaultTable    = 4096      // RFC 9113 §6.5.2
)

// The bounds on the memory of a Conn, whatever a peer sends. Buffers grow with the bytes
// seen, never with a length that is only announced. Budget bounds all connections
// together. A well-behaved connection stays far below: BenchmarkMemory measures 9 kB with
// full header tables, and 64 bytes for each open stream.
const (
	// maxPayload bounds the payload kept of one frame that is neither DATA nor
	// part of a field block; the default frame size is 16 kB. The bytes beyond it are
	// counted, and the frame is marked as truncated. A frame of a field block may be
	// as long as the peers agreed.
	maxPayload = 256 << 10

	// leastBlock and maxBlock bound a field block, and the header list that it
	// decodes to, counted as RFC 9113 §6.5.2 counts it, 32 bytes a field included.
	// Between the two, the peers agree on the bound. RFC 9113 does not bound the
	// CONTINUATION frames of a block (CVE-2024-27316 and its like), and 64 kB of
	// indexed fields can decode to 256 MB (CVE-2016-6581).
	leastBlock = 256 << 10
	maxBlock   = 32 << 20

	// defaultBlock is the bound if the receiver of a block announced no
	// SETTINGS_MAX_HEADER_LIST_SIZE; it is the default of Go's clients.
	defaultBlock = 10 << 20

	// maxTail bounds the bytes kept of an incomplete field, in a block that is too
	// long and only followed for its insertions into the table.
	maxTail = 256 << 10

	// maxHeaderTable bounds the dynamic table kept per direction, counted as
	// RFC 7541 §4.1 counts it. Go uses 4 kB and browsers 64 kB. Entries of a
	// larger table that fall out of it are reported as unknown.
	maxHeaderTable = 64 << 10

	// maxUnknownTable is the size kept of a table whose encoder's limit is
	// unknown, since it was met in the middle: twice what most encoders use.
	// A thousand connections met in the middle must stay affordable.
	maxUnknownTable = 8 << 10

	// maxSnapshots bounds the recovered tables of a direction that wait for their
	// block.
	maxSnapshots = 16

	// maxSteps bounds the frames remembered to carry a sample of the windows
	// forward: as many as fit in the 4096 bytes that http2 buffers, and more.
	maxSteps = 512

	// maxPendingSamples bounds the samples of places not reached yet.
	maxPendingSamples = 8

	// maxEnds bounds the remembered ends of streams. A list of the open streams is of use
	// until there were as many, which takes longer than to get samples of them.
	maxEnds = 2048

	// maxStreams bounds the streams followed at once. Servers allow 100 to
	// 250; a stream beyond has unknown windows.
	maxStreams = 16384

	// maxClosed is the number of remembered closed streams. They distinguish frames
	// that were in flight from frames that should not have been sent.
	maxClosed = 32

	// maxPendingSettings bounds the unacknowledged SETTINGS frames of one side.
	// Beyond it, acknowledgements are not matched.
	maxPendingSettings = 64

	// maxStartLine bounds the bytes held until they decide the protocol. It is the
	// longest request line that servers accept by default.
	maxStartLine = 8 << 10

	// maxHeld bounds the bytes kept while frame boundaries are searched:
	// four DATA frames of default size. The buffer is at most three times as long.
	maxHeld = 64 << 10

	// maxMarks bounds the distinct times remembered for held bytes.
	maxMarks = 4096

	// maxChains bounds the chains of frame headers followed in a search.
	maxChains = 256

	// maxSearch is the number of bytes of a direction that are searched for frames,
	// on a connection joined in the middle, before its protocol counts as unknown.
	maxSearch = 4 << 20

	// streamCost is the approximate memory of a stream, and keepStreams the number of
	// streams that a connection follows without a share in the Budget.
	streamCost  = 64
	keepStreams = 256

	// keepBuffer is the capacity that an idle buffer may keep.
	keepBuffer = 4 << 10

	// keepFields is the number of header fields, settings and origins whose memory
	// may be kept from frame to frame.
	keepFields = 64
)
