// Package release has the tests of scripts/release/run, which makes what is published of
// h2trace: archives, packages and SBOMs.
//
//	run            clones the commit, and runs its build; the head is the usage
//	build          makes all of it
//	files.bash     which file goes where
//	nfpm.yaml      what packages say of h2trace
//	deb, rpm       licences, and what the checkers of packages need not say
//	service        what packages run for h2trace.service
//	tools          a module that pins nfpm and cyclonedx-gomod, apart from that of h2trace
package release
