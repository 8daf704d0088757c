// Package recover decides how to recover header tables and windows from before the
// capture, or from lost bytes. It decides when the probes are attached, how often a
// connection asks, and when it gives up. Package trace carries that out.
package recover
