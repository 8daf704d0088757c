// Package gate holds executables at exec until their probes are attached.
//
// The kernel asks a fanotify listener before it opens a file for execution
// (FAN_OPEN_EXEC_PERM), and the process waits for the answer in state D. A
// listener that does not answer stops every exec on the file system, of all
// processes. h2trace can be stopped (Ctrl-Z), pauses for its garbage collector,
// and has children of its own. So a separate process, the gatekeeper, holds the
// descriptor and does nothing else:
//
//	target ──exec──▶ kernel ──event──▶ gatekeeper ──ask, file──▶ h2trace
//	       ◀─continues      ◀──allow──            ◀──answer────  attaches
//
// The gatekeeper always answers yes. It answers at once, unless a target executes
// a file that h2trace has not answered for before. It reads the targets from the
// BPF map itself. It waits for h2trace for at most Bound; after a wait in vain it
// asks no more until h2trace sends a message. It has its own session, so the
// terminal does not stop it. It executes nothing and opens no file for execution.
// It ends when its socket closes, which is when h2trace ends, in whatever way:
// the kernel then allows all waiting execs. If the gatekeeper itself is stopped,
// a timer in the kernel ends it (see deadMan).
//
// h2trace starts the gatekeeper before there is a mark. What h2trace executes
// later is no target, and passes without an answer from h2trace. So a vfork that
// keeps a P of the Go runtime busy cannot wait for h2trace itself.
//
// Once its marks are set, it gives up all rights but those to mark, to answer and to make
// private mounts, see package rights. It may not look at other processes any more. So
// h2trace opens the root directory for Cover, and gets a private mount of each file that it
// is asked about, for its probes.
//
// # What is held
//
// Marks are on file systems, not on mounts, so they work in every mount
// namespace. The gatekeeper marks the local file systems in the mount namespace
// of h2trace, including those mounted later, the one of its root, and those that
// a process passed to Cover sees. It does not hold:
//
//   - files of FUSE and network file systems: the gatekeeper opens each file
//     that it is asked about. There root may be refused, which the kernel takes
//     for a no, or may wait for a server that itself waits at the gate;
//   - memfd_create(2): the kernel raises no event for it;
//   - file systems mounted in another mount namespace after Cover.
//
// An exec through overlayfs raises an event for the file and, where its layer
// is marked and depending on the kernel, one for the file in the layer, whose
// path does not exist. So the package uses descriptors, never paths. A script
// raises an event for itself and one for its interpreter, a dynamically linked
// program one for itself and one for ld.so.
//
// Needs Linux 5.0 and CAP_SYS_ADMIN, which includes the right to read the map.
package gate
