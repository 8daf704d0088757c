//go:build linux

package rights

import (
	"errors"
	"fmt"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// everything is what Landlock can forbid of files, up to the version of the kernel interface that
// this release knows; reading is what does not change any.
const (
	everything landlock.AccessFSSet = ll.AccessFSIoctlDev<<1 - 1
	reading    landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSReadDir
)

// restrict forbids access to files, TCP, signals and abstract sockets beyond this process, to all its
// threads, as far as the kernel can. It includes ptrace(2), /proc/PID/mem and the like of other
// processes, and changes of mounts. A kernel without Landlock forbids nothing.
func restrict(files landlock.AccessFSSet) error {
	config := landlock.Config{
		HandledAccessFS:  files,
		HandledAccessNet: ll.AccessNetBindTCP | ll.AccessNetConnectTCP,
		Scoped:           ll.ScopeAbstractUnixSocket | ll.ScopeSignal,
	}
	if err := config.BestEffort().Restrict(); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	return nil
}

// Landlock returns the version of Landlock that the kernel has, or why it has none.
func Landlock() (int, error) {
	version, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0, errors.New("the kernel has none, or did not enable it at boot (lsm=)")
	}
	return version, nil
}
