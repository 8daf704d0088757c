//go:build linux

package trace

import (
	"errors"
	"fmt"
	"time"

	"h2trace/bpf"
	"h2trace/export"
)

// finish stops the kernel side, reads what it still holds, settles the account
// and writes the summary.
func (o *Observer) finish() error {
	_, err := o.side.release(none{}) // before probes go, so that none is attached after
	at, targetsErr := o.side.targets(none{})
	o.conns.recovery.probes.wait()
	o.conns.ciphers.joining.probes.wait()
	o.looks.work.wait()
	o.unix.work.wait()
	open, openErr := o.openSockets(at.left)
	err = errors.Join(err, targetsErr, openErr, o.awaitCloses(), o.stop(), o.drain(drainTime))
	if err == nil {
		if o.missing = nil; at.all {
			o.missing = o.processes.Missing(at.left)
		}
		err = o.endLost()
	}
	o.sockets.end(open)
	err = errors.Join(err, o.unfired.judge(open))
	o.processes.Wait()
	o.locks.endAll(monotonic())
	err = errors.Join(err, o.conns.endAll())
	err = errors.Join(err, o.finishPackets())
	ledger, ledgerErr := o.conns.kernel.Ledger()
	err = errors.Join(err, ledgerErr)
	var sum *export.Summary
	if ledgerErr == nil {
		var unsettled error
		sum, unsettled = o.settle(ledger)
		err = errors.Join(err, unsettled)
	}
	unwritten := o.closeEvents()
	if sum != nil {
		o.conclude(sum, unwritten == nil)
	}
	return errors.Join(err, unwritten)
}

// closeEvents flushes the events, and says how many of them are missing where
// they could not be written.
func (o *Observer) closeEvents() error {
	err := o.events.Close()
	if err == nil || errors.Is(err, export.ErrReaderGone) {
		return err
	}
	return fmt.Errorf("%w: %d events were not written", err, o.events.Unwritten())
}

// openSockets looks at the sockets of the targets that are left.
func (o *Observer) openSockets(left []int) (*look, error) {
	if len(left) == 0 || o.sockets.off {
		return &look{}, nil
	}
	return lookAt(func() ([]bpf.Socket, error) { return o.side.sockets(none{}) })
}

// stop has the kernel side stop.
func (o *Observer) stop() error {
	_, err := o.side.stop(none{})
	return err
}

// awaitCloses reads on until the kernel has closed the sockets of processes that
// have just ended, some milliseconds after that: with the close comes what TCP
// knew of the path, or that a connect came to nothing. A socket that somebody else
// holds, too, is not waited for. Where TCP has yet to send what a process has written,
// that takes round trips.
func (o *Observer) awaitCloses() error {
	begun, limit := time.Now(), closeLinger/2
	for {
		e, err := o.collector.Read(time.Millisecond)
		switch {
		case err == nil:
			err = o.handle(e)
		case errors.Is(err, bpf.ErrNoRecord):
			err = nil
			closes, data := o.conns.closing.due()
			if !closes && !o.sockets.closesDue() {
				return nil
			}
			if limit = closeLinger / 2; data {
				limit = exitLinger
			}
		}
		if err != nil || time.Since(begun) >= min(limit, drainTime) {
			return err
		}
	}
}

// endLost ends the missing processes whose exit record was lost, and their connections.
// All records from before they went missing must be read. Without a loss it does
// nothing: the kernel drops a target just before it reports the exit.
func (o *Observer) endLost() error {
	missing := o.missing
	o.missing = nil
	ledger, err := o.conns.kernel.Ledger()
	if err != nil || ledger.Lost() == 0 {
		return err
	}
	now := monotonic()
	for _, proc := range missing {
		if !o.processes.Current(&proc) {
			continue
		}
		if err := o.conns.endProcess(proc.PID, now, nil); err != nil {
			return err
		}
		o.processes.Vanish(proc.PID, now)
	}
	return nil
}
