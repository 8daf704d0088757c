//go:build !linux

package main

import (
	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/completion"
)

// observes says that h2trace runs no COMMAND on this system.
const observes = false

// observingSet has no flags: nothing observes on this system.
func observingSet(*pflag.FlagSet, string) *pflag.FlagSet { return nil }

// addObservingValues adds nothing.
func addObservingValues(map[string]completion.Values) {}
