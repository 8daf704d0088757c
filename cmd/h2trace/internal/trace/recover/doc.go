// Package recover decides how header tables and windows of connections are recovered
// that were built before the capture, or in bytes that were lost: when the probes for
// that are attached, how often a connection asks, and when it is given up. It does
// nothing of that itself.
package recover
