// Package trace is the engine of h2trace: records of the kernel in, events out.
//
// An Observer follows processes and their connections. It has the bytes of each
// decoded, asks the kernel for what a connection lacks, and prints what it found.
package trace
