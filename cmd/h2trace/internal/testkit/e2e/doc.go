// Package e2e holds the end-to-end tests of h2trace. Real Go programs talk real
// HTTP/2 over TLS under the real probes. The tests compare each frame with what those
// programs log themselves (GODEBUG=http2debug=2), and each window with an independent
// model of flow control.
//
// The tests need root. Without it, or on a kernel that refuses the probes, they skip
// with a reason.
package e2e
