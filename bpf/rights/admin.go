//go:build linux

package rights

import (
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// followingTakesAdmin reports whether following new processes takes CAP_SYS_ADMIN: in place of CAP_BPF
// and CAP_PERFMON, which it includes, and where perf_event_open(2), and so attaching a uprobe, asks for
// it. Linux asks for CAP_PERFMON since 5.8; kernels of Debian before 6.1, with
// kernel.perf_event_paranoid=3, for CAP_SYS_ADMIN. So a thread tries it without that.
var followingTakesAdmin = sync.OnceValue(func() bool {
	if !Has(cap.SYS_ADMIN) {
		return false
	}
	if !Has(cap.BPF) || !Has(cap.PERFMON) {
		return true
	}
	refused := make(chan bool)
	go func() {
		runtime.LockOSThread() // which ends with this goroutine
		refused <- withoutAdmin() == nil && errors.Is(openEvent(), unix.EACCES)
	}()
	return <-refused
})

// withoutAdmin drops CAP_SYS_ADMIN from the effective set of the calling thread alone.
func withoutAdmin() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	data[0].Effective &^= 1 << cap.SYS_ADMIN
	return unix.Capset(&header, &data[0])
}

// openEvent opens an event that counts nothing.
func openEvent() error {
	fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Size: unix.PERF_ATTR_SIZE_VER1, Config: unix.PERF_COUNT_SW_DUMMY,
		Bits: unix.PerfBitDisabled | unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
	}, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}
