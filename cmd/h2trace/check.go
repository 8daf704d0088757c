//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"h2trace/bpf"
	"h2trace/bpf/gate"
	"h2trace/bpf/plan"
	"h2trace/cmd/h2trace/internal/golibrary"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/procfs"
)

// checkPage is what check prints.
type checkPage struct {
	b    strings.Builder
	said []string // hints that are on the page
}

// ok says that something is there.
func (p *checkPage) ok(name, detail string) {
	if detail != "" {
		name += ": " + detail
	}
	fmt.Fprintf(&p.b, "ok  %s\n", name)
}

// no says what is missing and what to do about it, the same thing once. Errors
// may end in such a hint, and begin with the name, too.
func (p *checkPage) no(name string, err error, hint string) {
	reason := err.Error()
	for _, said := range p.said {
		reason = strings.ReplaceAll(reason, "; "+said, "")
	}
	if !strings.HasPrefix(reason, name+" ") && !strings.HasPrefix(reason, name+":") {
		reason = name + ": " + reason
	}
	fmt.Fprintf(&p.b, "no  %s\n", reason)
	p.hint(hint)
}

// hint prints what to do, if it is not on the page.
func (p *checkPage) hint(hint string) {
	if hint == "" || slices.Contains(p.said, hint) {
		return
	}
	p.said = append(p.said, hint)
	p.more(hint)
}

// more adds to the line above.
func (p *checkPage) more(format string, args ...any) {
	fmt.Fprintf(&p.b, "    "+format+"\n", args...)
}

// runCheck says what this kernel and this user allow, and what the binaries of
// opts.PIDs offer. The status says whether run mode works here.
func runCheck(opts Options, msg *message.Printer, stdout io.Writer) int {
	var page checkPage
	status := exitOK
	for _, f := range bpf.CheckFeatures() {
		if f.Err != nil {
			status = exitRuntime
			page.no(f.Name, f.Err, f.Advice)
			continue
		}
		page.ok(f.Name, f.Detail)
	}
	checkGate(&page)
	packets := checkPackets(&page)
	checkRights(&page)
	if !checkMemory(&page) {
		status = exitRuntime
	}
	var gone []error // processes that cannot be looked at
	for _, pid := range opts.PIDs {
		if err := checkPID(&page, pid, opts.Plan.Mode(), packets); err != nil {
			gone = append(gone, err)
		}
	}
	if printed := printText(page.b.String(), msg, stdout); printed != exitOK {
		return printed
	}
	for _, err := range gone { // as where they are to be observed
		status = exitRuntime
		msg.Errorf("nothing to check: %v", err)
	}
	return status
}

// checkGate says whether executables can be held at exec. Run mode also works
// without, but for the first moments of each, so it does not touch the status.
func checkGate(p *checkPage) {
	const name = "hold executables at exec (fanotify)"
	if err := gate.Available(); err != nil {
		p.no(name, err, "needs CAP_SYS_ADMIN and a kernel with CONFIG_FANOTIFY_ACCESS_PERMISSIONS; "+
			"without it, an executable not met before runs for some milliseconds until it is observed")
		return
	}
	p.ok(name, "")
}

// checkPackets says whether packets are seen, without which TLS comes from calls, dns_ms
// is null, and HTTP without TLS is missing.
func checkPackets(p *checkPage) bool {
	const name = "source wire, name resolution, HTTP without TLS (cgroup v2)"
	if err := bpf.CheckPackets(); err != nil {
		p.no(name, err, "needs CAP_NET_ADMIN, and cgroup v2 mounted, if only beside v1; "+
			"without it, calls are the source, dns_ms and offers are null, and HTTP without TLS is not seen")
		return false
	}
	p.ok(name, "")
	return true
}

// checkPID says what the executable of a process offers, where packets are seen
// or not. The error is for a process that cannot be looked at.
func checkPID(p *checkPage, pid int, mode plan.Mode, packets bool) error {
	pid = procfs.ProcessOf(pid)
	proc, err := procfs.Running(pid)
	if err != nil {
		return err
	}
	f, err := os.Open(procfs.Path(procfs.LivingThread(pid), "exe"))
	if err != nil {
		return err
	}
	defer f.Close()
	name := fmt.Sprintf("process %d, %s", pid, proc.Exe)
	analysis, err := plan.Analyze(f, mode)
	if err != nil {
		for _, l := range golibrary.Of(pid) {
			if in := planOf(l.Path, mode); in != nil {
				name, analysis, err = name+", Go code in "+l.Name, in, nil
				break
			}
		}
	}
	if no, ok := errors.AsType[*plan.NoTLSError](err); ok && packets {
		p.ok(name, no.GoVersion)
		p.more("%v: HTTP without TLS alone", err)
		return nil
	}
	if err != nil {
		p.no(name, err, skipAdvice)
		return nil
	}
	p.ok(name, analysis.GoVersion)
	for _, probe := range plan.Describe(slices.Concat(analysis.Secrets, analysis.Sites)) {
		p.more("%s: %s", probe.Tap, probe.Name)
	}
	return nil
}

// planOf returns the plan for a file, or nil.
func planOf(path string, mode plan.Mode) *plan.Plan {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	p, err := plan.Analyze(f, mode)
	if err != nil {
		return nil
	}
	return p
}

// skipAdvice is what makes an executable one that can be observed.
const skipAdvice = "h2trace observes programs of Go 1.18 or newer, for " + runtime.GOARCH + ", that use crypto/tls, or HTTP without TLS"
