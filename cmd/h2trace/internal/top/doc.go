// Package top is the live view of an observation: what export/top knows, on a screen.
//
// The Model counts in a goroutine of its own (see Feed). The Screen looks at it now and then:
// what it cannot draw in time, it does not draw.
package top
