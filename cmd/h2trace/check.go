package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"h2trace/bpf"
	"h2trace/bpf/gate"
	"h2trace/bpf/plan"
)

// runCheck says what this kernel and this user allow, and what the binaries of
// opts.PIDs offer. The status says whether run mode works here.
func runCheck(opts Options, msg *messages, stdout io.Writer) int {
	var b strings.Builder
	status := exitOK
	for _, f := range bpf.CheckFeatures() {
		switch {
		case f.Err == nil && f.Detail != "":
			fmt.Fprintf(&b, "ok  %s: %s\n", f.Name, f.Detail)
		case f.Err == nil:
			fmt.Fprintf(&b, "ok  %s\n", f.Name)
		default:
			status = exitRuntime
			fmt.Fprintf(&b, "no  %s: %v\n", f.Name, f.Err)
			if f.Advice != "" {
				fmt.Fprintf(&b, "    %s\n", f.Advice)
			}
		}
	}
	checkGate(&b)
	packets := checkPackets(&b)
	for _, pid := range opts.PIDs {
		if err := checkPID(&b, pid, planMode(opts.Plan), packets); err != nil {
			status = exitRuntime
			fmt.Fprintf(&b, "no  process %d: %v\n", pid, err)
		}
	}
	if printed := printText(b.String(), msg, stdout); printed != exitOK {
		return printed
	}
	return status
}

// checkGate says whether executables can be held at exec. Run mode also works
// without, but for the first moments of each, so it does not touch the status.
func checkGate(w *strings.Builder) {
	const name = "hold executables at exec (fanotify)"
	if err := gate.Available(); err != nil {
		fmt.Fprintf(w, "no  %s: %v\n", name, err)
		fmt.Fprintf(w, "    needs CAP_SYS_ADMIN and a kernel with CONFIG_FANOTIFY_ACCESS_PERMISSIONS; without it, an executable "+
			"not met before runs for some milliseconds until it is observed\n")
		return
	}
	fmt.Fprintf(w, "ok  %s\n", name)
}

// checkPackets says whether packets are seen, without which dns_ms is null, and
// HTTP without TLS is missing.
func checkPackets(w *strings.Builder) bool {
	const name = "name resolution, HTTP without TLS, offered ALPN (cgroup v2)"
	if err := bpf.CheckPackets(); err != nil {
		fmt.Fprintf(w, "no  %s: %v\n", name, err)
		fmt.Fprintf(w, "    needs CAP_NET_ADMIN, and cgroup v2 mounted, if only beside v1; without it, dns_ms and offers are null, and HTTP without TLS is not seen\n")
		return false
	}
	fmt.Fprintf(w, "ok  %s\n", name)
	return true
}

// checkPID says what the executable of a process offers, where packets are seen
// or not. The error is for a process that cannot be looked at.
func checkPID(w *strings.Builder, pid int, mode plan.Mode, packets bool) error {
	pid = processOf(pid)
	proc, err := runningProcess(pid)
	if err != nil {
		return err
	}
	f, err := os.Open(procPath(pid, "exe"))
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := plan.Analyze(f, mode)
	if no, ok := errors.AsType[*plan.NoTLSError](err); ok && packets {
		fmt.Fprintf(w, "ok  process %d, %s: %s\n    %v: HTTP without TLS alone\n", pid, proc.exe, no.GoVersion, err)
		return nil
	}
	if err != nil {
		fmt.Fprintf(w, "no  process %d, %s: %v\n", pid, proc.exe, err)
		fmt.Fprintf(w, "    %s\n", skipAdvice)
		return nil
	}
	fmt.Fprintf(w, "ok  process %d, %s: %s\n", pid, proc.exe, p.GoVersion)
	for _, probe := range p.Describe() {
		fmt.Fprintf(w, "    %s: %s\n", probe.Tap, probe.Name)
	}
	return nil
}

// skipAdvice is what makes an executable one that can be observed.
const skipAdvice = "h2trace observes programs of Go 1.18 or newer, for amd64, that use crypto/tls, or HTTP without TLS"
