package gate

// overlayTrail separates events of files in the layers of an overlay from others.
// When these layers are marked too, one exec raises an event for the file of the
// overlay and then one for the same file in its layer. Probes sit on the inode in the
// layer, whichever way the file was named. So a second question would attach them
// twice and report all bytes twice.
//
// It remembers the last overlay file of some processes. The two events of one exec
// are consecutive, so that is enough, and bounded.
type overlayTrail [64]overlayStep

type overlayStep struct {
	pid int
	id  fileID
}

// beneath notes an event, and reports whether it is for the layer of the file that
// the same process opened just before: overlayfs shows the size and the times of the
// file in the layer.
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
