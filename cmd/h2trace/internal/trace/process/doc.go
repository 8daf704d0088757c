// Package process tracks the observed processes: their identity, executables and
// environments. It attaches probes to what they execute, and holds executables at exec
// until the probes are in place.
package process
