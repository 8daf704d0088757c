// Package rights gives up what a process may do and no longer has to: capabilities, system
// calls, the file system, the network, and the readability of its memory.
//
//	h2trace     Reduce      after it has attached: capabilities, no_new_privs, a seccomp filter
//	            Parser      a thread of it that decodes: all capabilities, all calls but a few
//	gatekeeper  Gatekeeper  after it has set its marks: as Reduce, with less left, and Landlock
//	both        Shield      at the start: no core dump, no reader of /proc/PID/mem without rights
//
// Nothing of this reaches COMMAND, which is forked before. It changes all threads of the process,
// and is for good. A kernel, a container or a service manager that forbids a step, or has done it
// already, is no reason to end: errors say what was left as it is.
package rights
