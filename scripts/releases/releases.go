// Package releases names the Go releases whose programs h2trace is tested on.
package releases

import "strings"

// All has the last of each minor release that programs can be built with, the
// oldest first.
var All = []string{
	"go1.18.10", "go1.19.13", "go1.20.14", "go1.21.13", "go1.22.12",
	"go1.23.12", "go1.24.13", "go1.25.5", "go1.26.8", "go1.27.3",
}

// reduced are the oldest, the first with PUSH BP in every function's middle,
// and the newest.
var reduced = []string{"go1.18.10", "go1.22.12", "go1.27.3"}

// Take returns all releases, or some of them with what is to be said of that.
func Take(full bool) (list []string, reduction string) {
	if full {
		return All, ""
	}
	return reduced, strings.Join(reduced, ", ") + " of go1.18 to go1.27; scripts/matrix runs all"
}

// Env returns what makes the go command be that of a release.
func Env(release string) []string {
	env := []string{"GOTOOLCHAIN=" + release}
	if strings.HasPrefix(release, "go1.19.") {
		env = append(env, "GODEBUG=goindex=0") // else it does not find its own packages in a module cache
	}
	return env
}
