package gate

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// deadManTime is how long the gatekeeper's loop may take for one round. After it the
// kernel kills the gatekeeper, which releases every held exec.
const deadManTime = time.Second

// deadMan is a kernel timer that sends SIGKILL to this process unless it is rewound
// in time. It also works on a stopped process (SIGSTOP), where no code of its own
// runs any more.
type deadMan struct{ id int32 }

// sigevent is struct sigevent of timer_create(2).
type sigevent struct {
	value  uint64
	signo  int32
	notify int32
	_      [48]byte
}

// sigevSignal is SIGEV_SIGNAL of asm-generic/siginfo.h.
const sigevSignal = 0

func newDeadMan() (*deadMan, error) {
	d := &deadMan{}
	event := sigevent{signo: int32(unix.SIGKILL), notify: sigevSignal}
	_, _, errno := unix.Syscall(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC,
		uintptr(unsafe.Pointer(&event)), uintptr(unsafe.Pointer(&d.id)))
	if errno != 0 {
		return nil, errno
	}
	return d, d.wind()
}

// wind restarts the timer.
func (d *deadMan) wind() error {
	when := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(deadManTime))}
	_, _, errno := unix.Syscall6(unix.SYS_TIMER_SETTIME, uintptr(d.id), 0, uintptr(unsafe.Pointer(&when)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
