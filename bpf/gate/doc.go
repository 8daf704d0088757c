// Package gate holds executables at exec until their probes are attached.
//
// The kernel asks a fanotify listener before it opens a file for execution
// (FAN_OPEN_EXEC_PERM) and lets the process wait for the answer, in state D. A
// listener that does not answer stops every exec on the file system, of all
// processes. So the descriptor is not in h2trace, which can be stopped
// (Ctrl-Z), is held up by its garbage collector, and has children of its own.
// It is in a process that does nothing else, the gatekeeper:
//
//	target ──exec──▶ kernel ──event──▶ gatekeeper ──ask, file──▶ h2trace
//	       ◀─goes on──      ◀──allow──            ◀──answer────  attaches
//
// The gatekeeper answers yes, always, and at once, unless a target executes a
// file that h2trace has not answered for before. It knows the targets from the
// BPF map itself. It waits for h2trace for at most Bound, and when that was in
// vain it asks no more until it hears from h2trace again. It is a session of
// its own, so the terminal does not stop it; it executes nothing; it opens no
// file for execution. It ends when its socket closes, which is when h2trace
// ends, in whatever way: the kernel then lets all go. And should it be stopped
// itself, a timer in the kernel ends it (see deadMan).
//
// h2trace starts the gatekeeper before there is a mark. Whatever it executes
// later is no target and goes through without h2trace having any part in it, so
// a vfork that keeps a P of the Go runtime busy cannot wait for h2trace itself.
//
// # What is held
//
// Marks are on file systems, not on mounts, so they work in every mount
// namespace. Marked are the local file systems that the mount namespace of
// h2trace shows, and the one that its root is on, those mounted later too, and
// those that a process named to Cover sees. Not held are:
//
//   - files of FUSE and network file systems: the gatekeeper opens each file
//     it is asked about, and there root may be refused, which the kernel takes
//     for a no, or may wait for a server that itself waits at the gate;
//   - memfd_create(2): the kernel raises no event for it;
//   - file systems mounted in another mount namespace after Cover.
//
// An exec through overlayfs raises an event for the file and, where its layer
// is marked and depending on the kernel, one for the file beneath, whose path
// does not exist. Everything here goes by descriptors; paths are never used. A
// script raises an event for itself and one for its interpreter, a dynamically
// linked program one for itself and one for ld.so.
//
// Needs Linux 5.0, CAP_SYS_ADMIN, and CAP_BPF to read the map.
package gate
