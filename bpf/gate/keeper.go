package gate

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"h2trace/bpf/mounts"
)

// Bound is how long a process is held when h2trace does not answer.
const Bound = 200 * time.Millisecond

const (
	// beat is how often the loop of the gatekeeper runs when nothing happens.
	beat = deadManTime / 4
	// maxHeld bounds the processes held at a time, and with them the open
	// descriptors. Further ones continue at once.
	maxHeld = 256
)

// keeper is the loop of the gatekeeper. It has one goroutine, never blocks, and its
// memory is bounded.
type keeper struct {
	listener *listener
	targets  *ebpf.Map
	socket   int
	mounts   unix.PollFd // of a mounts.Watch
	marker   marker
	deadMan  *deadMan
	names    map[string]bool // base names of files to hold for every process
	cgroups  cgroups

	known    knownFiles
	asked    map[fileID]*question
	held     int
	silent   bool // times that h2trace let a question expire
	overlays overlayTrail
	fresh    []held
}

// question is a file that h2trace was asked about, and the processes that wait for
// the answer.
type question struct {
	until   time.Time
	waiting []held
}

// loop runs until h2trace is gone or something fails. It returns the reason.
func (k *keeper) loop() error {
	polled := []unix.PollFd{
		{Fd: int32(k.listener.fd), Events: unix.POLLIN},
		{Fd: int32(k.socket), Events: unix.POLLIN},
		k.mounts,
	}
	for {
		if err := k.deadMan.wind(); err != nil {
			return err
		}
		_, err := unix.Poll(polled, k.pause())
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		// Answers first: they may be about the files of the next events.
		if polled[1].Revents != 0 {
			if err := k.listen(); err != nil {
				return err
			}
		}
		if polled[2].Revents != 0 {
			k.marker.changed()
			k.known.forget(k.drop)
		}
		if k.fresh, err = k.listener.read(k.fresh[:0]); err != nil {
			return err
		}
		for _, h := range k.fresh {
			if err := k.decide(h); err != nil {
				return err
			}
		}
		if err := k.expire(time.Now()); err != nil {
			return err
		}
	}
}

// pause returns how long poll may wait, in milliseconds.
func (k *keeper) pause() int {
	wait := beat
	for _, q := range k.asked {
		wait = min(wait, time.Until(q.until))
	}
	return max(0, int((wait + time.Millisecond - 1).Milliseconds()))
}

// decide answers for a process, or keeps it until later.
func (k *keeper) decide(h held) error {
	if !k.isTarget(h.pid) && !k.isNamed(h.fd) && !k.cgroups.have(h.pid) {
		return k.listener.allow(h)
	}
	id, err := fileIDOf(h.fd)
	if err != nil {
		return k.listener.allow(h)
	}
	beneath := k.overlays.beneath(h, id)
	if k.known.has(id) || beneath {
		return k.listener.allow(h)
	}
	if k.silent || k.held == maxHeld {
		return k.late(h)
	}
	q, ok := k.asked[id]
	if !ok {
		if k.ask(h, id) != nil {
			return k.late(h)
		}
		q = &question{until: time.Now().Add(Bound)}
		k.asked[id] = q
	}
	q.waiting = append(q.waiting, h)
	k.held++
	return nil
}

// ask asks h2trace about a file. It passes along a private mount of it, which takes a right that
// h2trace has given up.
func (k *keeper) ask(h held, id fileID) error {
	fds := []int{h.fd}
	if own, err := mounts.Own(h.fd); err == nil {
		defer unix.Close(own)
		fds = append(fds, own)
	}
	return sendMessage(k.socket, message{Kind: kindAsk, PID: int32(h.pid), ID: id}, "", fds...)
}

// isTarget reads the kernel's map: every descendant of a target is in it before it
// first runs.
func (k *keeper) isTarget(pid int) bool {
	var generation uint32
	return pid > 0 && k.targets.Lookup(uint32(pid), &generation) == nil
}

// isNamed reports whether a file makes targets of the processes that execute it.
func (k *keeper) isNamed(fd int) bool {
	if len(k.names) == 0 {
		return false
	}
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	name := filepath.Base(path)
	return err == nil && (k.names[name] || k.names[strings.TrimSuffix(name, " (deleted)")]) // which the kernel adds
}

// late lets a process continue without an answer, and reports that to h2trace if the
// socket has room.
func (k *keeper) late(h held) error {
	_ = sendMessage(k.socket, message{Kind: kindLate, PID: int32(h.pid)}, "")
	return k.listener.allow(h)
}

// listen handles all messages of h2trace.
func (k *keeper) listen() error {
	for {
		m, _, fds, err := receiveMessage(k.socket, unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		if err != nil {
			return err
		}
		var root *os.File
		filesOf(fds, &root)
		k.silent = false
		switch m.Kind {
		case kindAttached, kindPlain, kindUnknown:
			k.remember(m)
			if err := k.release(m.ID, k.listener.allow); err != nil {
				return err
			}
		case kindCover:
			k.marker.cover(int(m.PID), root)
			root = nil // it is that of the marker
		}
		_ = root.Close() // which is nil mostly
	}
}

func (k *keeper) remember(m message) {
	switch m.Kind {
	case kindPlain:
		k.known.addPlain(m.ID)
	case kindAttached:
		k.known.addAttached(m.ID, k.drop)
	}
}

// drop tells h2trace that a file will be asked about again. It returns false if the
// socket has no room.
func (k *keeper) drop(id fileID) bool {
	return sendMessage(k.socket, message{Kind: kindDropped, ID: id}, "") == nil
}

// release lets the processes that wait for a file continue.
func (k *keeper) release(id fileID, answer func(held) error) error {
	q, ok := k.asked[id]
	if !ok {
		return nil
	}
	delete(k.asked, id)
	var errs []error
	for _, h := range q.waiting {
		k.held--
		errs = append(errs, answer(h))
	}
	return errors.Join(errs...)
}

// expire lets the processes continue whose answer did not come in time.
func (k *keeper) expire(now time.Time) error {
	for id, q := range k.asked {
		if q.until.After(now) {
			continue
		}
		k.silent = true
		if err := k.release(id, k.late); err != nil {
			return err
		}
	}
	return nil
}
