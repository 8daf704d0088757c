package mounts

import (
	"os"

	"golang.org/x/sys/unix"
)

// Own returns a descriptor of a file through a private mount, which lives as long as the
// descriptor and whatever reopens it. It fails without CAP_SYS_ADMIN, and for files of other mount
// namespaces. The caller closes the descriptor, which is good for nothing but reopening.
func Own(fd int) (int, error) {
	own, err := unix.OpenTree(fd, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	return own, os.NewSyscallError("open_tree", err)
}
