// Package goreleases names the Go releases whose programs h2trace is tested on.
package goreleases

import "strings"

// All holds the latest patch of each supported Go release, the oldest first.
var All = []string{
	"go1.18.10", "go1.19.13", "go1.20.14", "go1.21.13", "go1.22.12",
	"go1.23.12", "go1.24.13", "go1.25.5", "go1.26.8", "go1.27.3",
}

// Few are the releases of reduced tests: the oldest, the first with PUSH BP in every
// function's middle, the first with Swiss maps, and the newest. Each further release costs
// a toolchain to fetch and a standard library to build.
var Few = []string{"go1.18.10", "go1.21.13", "go1.24.13", "go1.27.3"}

// reduced are the releases of Few whose compilers place code differently.
var reduced = []string{Few[0], Few[1], Few[3]}

// Take returns all releases, or some of them with a note about that.
func Take(full bool) (list []string, reduction string) {
	if full {
		return All, ""
	}
	return reduced, strings.Join(reduced, ", ") + " of go1.18 to go1.27; scripts/matrix runs all"
}

// Env returns the environment that selects the go command of a release.
func Env(release string) []string {
	env := []string{"GOTOOLCHAIN=" + release}
	if strings.HasPrefix(release, "go1.19.") {
		env = append(env, "GODEBUG=goindex=0") // else it does not find its own packages in a module cache
	}
	return env
}
