// Package hostile makes conversations of peers that want to cost their observer memory or time:
// floods, bombs, and what has no end. Each grows with a size, so that a test can compare what n
// and 4n cost. It shares nothing with the decoder.
package hostile
