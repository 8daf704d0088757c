package gate

// overlayTrail tells events of files beneath an overlay from others. When the
// layers of an overlay are marked too, one exec raises an event for the file of
// the overlay and then one for the same file in its layer. Probes sit on the
// inode beneath whichever way the file was named, so asking twice would attach
// them twice and report all bytes twice.
//
// It remembers the last file of an overlay for some processes. The two events
// of one exec follow each other, so that is enough, and bounded.
type overlayTrail [64]overlayStep

type overlayStep struct {
	pid int
	id  fileID
}

// beneath takes note of an event and returns whether it is for the layer of the
// file that the same process opened just before: overlayfs shows the size and
// the times of the file beneath.
func (t *overlayTrail) beneath(h held, id fileID) bool {
	step := &t[h.pid%len(t)]
	if onOverlay(h.fd) {
		*step = overlayStep{h.pid, id}
		return false
	}
	last := *step
	if last.pid != h.pid {
		return false
	}
	*step = overlayStep{}
	return last.id.Size == id.Size && last.id.MtimeSec == id.MtimeSec && last.id.MtimeNanos == id.MtimeNanos
}
