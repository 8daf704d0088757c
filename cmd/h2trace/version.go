package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionText is what `h2trace version` prints: the module version that the
// build recorded, the commit and its time when it was built from a work tree, the
// toolchain and the platform.
func versionText() string {
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		commit = commitOf(info.Settings)
	}
	return fmt.Sprintf("h2trace %s%s %s %s/%s\n",
		moduleVersion(), commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// moduleVersion is the version that the build recorded.
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// commitOf returns " (commit 0123456789ab of 2026-11-30T15:27:21Z, modified)", or "" for
// builds without version control information.
func commitOf(settings []debug.BuildSetting) string {
	var revision, date, modified string
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.time":
			if s.Value != "" {
				date = " of " + s.Value
			}
		case "vcs.modified":
			if s.Value == "true" {
				modified = ", modified"
			}
		}
	}
	if revision == "" {
		return ""
	}
	return fmt.Sprintf(" (commit %.12s%s%s)", revision, date, modified)
}
