// Package process keeps account of the processes that are observed: which there are,
// which one an id stands for, what they execute, and where they fetch from. It gives
// what they execute its probes, and has executables held at exec until these are in
// place.
package process
