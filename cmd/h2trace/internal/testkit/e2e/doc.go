// Package e2e holds the end-to-end tests of h2trace: real Go programs talking
// real HTTP/2 over TLS under the real probes, held frame for frame against
// what those programs log about themselves (GODEBUG=http2debug=2) and window
// for window against an independent model of flow control.
//
// The tests need root. Without it, or on a kernel that refuses the probes,
// they skip and say why; with CI=true that is a failure.
package e2e
