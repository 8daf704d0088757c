//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"

	"kernel.org/pub/linux/libs/security/libcap/cap"

	"h2trace/bpf/rights"
)

// checkRights says what h2trace keeps of its rights once it observes, and what this system lets it give
// up. Observing works without, so it does not touch the status.
func checkRights(p *checkPage) {
	p.ok("capabilities once it observes", orNone(rights.Held(rights.Following())))
	kept := slices.Concat(rights.Following(), rights.Starting())
	p.more("dropped then: %s, and %d others; its gatekeeper keeps CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH",
		orNone(rights.Held(rights.Starting())), len(rights.Dropped(kept)))
	const filter = "refuse itself harmful system calls (seccomp)"
	if err := rights.Seccomp(); err != nil {
		p.no(filter, err, "")
	} else {
		p.ok(filter, "")
	}
	const files = "confine its gatekeeper to reading files (Landlock)"
	if version, err := rights.Landlock(); err != nil {
		p.no(files, err, "")
	} else {
		p.ok(files, fmt.Sprintf("version %d", version))
	}
}

// orNone lists capabilities.
func orNone(list []cap.Value) string {
	if len(list) == 0 {
		return "none"
	}
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = strings.ToUpper(c.String())
	}
	return strings.Join(names, ", ")
}
