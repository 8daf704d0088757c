package recover

const (
	// SamplesAsked is how many samples of the windows of a connection are asked
	// for at a time, and maxSamples how many are taken before it is given up.
	SamplesAsked = 32
	maxSamples   = 512
	// maxListings is how often the list of open streams is tried to be read
	// while the process changes it.
	maxListings = 16
	// maxMistrusted is how often the memory may not be what it should.
	maxMistrusted = 8
)

// Windows is how far the recovery of the windows of a connection is. The zero value
// is at its begin.
type Windows struct {
	// Streams are the open streams, and Listing is which they are to the decoder.
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

// Ask reports whether to ask for more samples. It is false when they are to be given
// up: then Forgo.
func (w *Windows) Ask() bool {
	if w.samples >= maxSamples {
		return false
	}
	w.left = SamplesAsked
	return true
}

// Forgo says that no more is to be done for the windows.
func (w *Windows) Forgo() { w.forgone = true }

// Forgone reports whether nothing is to be done for the windows any more.
func (w *Windows) Forgone() bool { return w.forgone }

// Settled reports whether nothing more is to be done, by whether the decoder knows all
// that the last sample held.
func (w *Windows) Settled(known bool) bool { return w.forgone || w.sampled && known }

// Sample takes a sample that has come.
func (w *Windows) Sample() {
	w.samples++
	w.left--
}

// UsedUp reports whether all samples that were asked for have come.
func (w *Windows) UsedUp() bool { return w.left <= 0 }

// Mistrust takes a sample that cannot be what it should, and reports whether there
// were too many.
func (w *Windows) Mistrust() bool {
	w.mistrusted++
	return w.mistrusted >= maxMistrusted
}

// Held takes of how many streams the sample was to be.
func (w *Windows) Held(streams int) { w.sampled = w.listed && (len(w.Streams) == 0 || streams > 0) }

// Outdate says that other streams may be open than were listed.
func (w *Windows) Outdate() {
	if w.listed && w.listings < maxListings {
		w.listed, w.sampled = false, false
	}
}

// WantsList reports whether the open streams are to be listed.
func (w *Windows) WantsList() bool { return !w.listed }

// List takes the open streams, as far as they could be read, and reports whether
// samples of them are to be asked for.
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
