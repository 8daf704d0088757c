package recover

const (
	// SamplesAsked is how many samples of the windows of a connection are asked for at
	// a time. maxSamples is how many are taken before it is given up.
	SamplesAsked = 32
	maxSamples   = 512
	// maxListings is how often to try to read the open streams while the process
	// changes them.
	maxListings = 16
	// maxMistrusted is how often memory may hold something implausible.
	maxMistrusted = 8
)

// Windows is the state of recovering the windows of a connection. The zero value is the
// start.
type Windows struct {
	// Streams are the open streams. Listing identifies their list to the decoder.
	Streams []uint64
	Listing int64

	forgone    bool // they will not be known
	samples    int
	left       int // of those asked for
	mistrusted int
	listings   int
	listed     bool
	// sampled says that the last sample held what was listed.
	sampled bool
}

// Ask reports whether to ask for more samples. If not, the caller calls Forgo.
func (w *Windows) Ask() bool {
	if w.samples >= maxSamples {
		return false
	}
	w.left = SamplesAsked
	return true
}

// Forgo gives up the windows.
func (w *Windows) Forgo() { w.forgone = true }

// Forgone reports whether the windows are given up.
func (w *Windows) Forgone() bool { return w.forgone }

// Settled reports whether nothing more is to be done. known says that the decoder knows
// all that the last sample held.
func (w *Windows) Settled(known bool) bool { return w.forgone || w.sampled && known }

// Sample takes that a sample came.
func (w *Windows) Sample() {
	w.samples++
	w.left--
}

// UsedUp reports whether all samples that were asked for have come.
func (w *Windows) UsedUp() bool { return w.left <= 0 }

// Mistrust takes an implausible sample. It reports whether there were too many.
func (w *Windows) Mistrust() bool {
	w.mistrusted++
	return w.mistrusted >= maxMistrusted
}

// Held takes how many streams the sample was asked to hold.
func (w *Windows) Held(streams int) { w.sampled = w.listed && (len(w.Streams) == 0 || streams > 0) }

// Outdate says that streams may be open that are not listed.
func (w *Windows) Outdate() {
	if w.listed && w.listings < maxListings {
		w.listed, w.sampled = false, false
	}
}

// WantsList reports whether the open streams are to be listed.
func (w *Windows) WantsList() bool { return !w.listed }

// List takes the open streams, if they could be read. It reports whether to ask for
// samples of them.
func (w *Windows) List(streams []uint64, read bool, listing int64) (ask bool) {
	w.Streams, w.listed, w.Listing = streams, read, listing
	if w.listings++; w.listings == maxListings {
		w.listed = true
	}
	if w.listed && len(w.Streams) == 0 {
		w.sampled = true
	}
	return w.listed && len(w.Streams) > 0
}
