package main

import (
	"errors"
	"fmt"
	"os"

	"h2trace/bpf"
)

// initialPIDNamespace is what /proc/self/ns/pid links to where process ids are
// those of the kernel: PROC_PID_INIT_INO of linux/proc_ns.h, 0xEFFFFFFC.
const initialPIDNamespace = "pid:[4026531836]"

var errPIDNamespace = errors.New("process ids here are not those that the kernel side sees")

// pidNamespace says whether h2trace runs in the initial PID namespace. In any
// other the process ids that it names mean others to the probes, or none:
// nothing would be captured, and nothing would tell.
func pidNamespace() bpf.Feature {
	f := bpf.Feature{
		Name:   "PID namespace",
		Detail: "the initial one",
		Advice: "run h2trace outside of the container, or share the PID namespace of the host with it (--pid=host, hostPID: true)",
	}
	name, err := os.Readlink("/proc/self/ns/pid")
	switch {
	case err != nil:
		f.Err = err
	case name != initialPIDNamespace:
		f.Err = errPIDNamespace
	}
	return f
}

// requirePIDNamespace is pidNamespace as an error.
func requirePIDNamespace() error {
	if f := pidNamespace(); f.Err != nil {
		return fmt.Errorf("%s: %w; %s", f.Name, f.Err, f.Advice)
	}
	return nil
}
