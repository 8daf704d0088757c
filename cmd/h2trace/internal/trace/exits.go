package trace

// endLost ends the processes that are missing because their exit was lost, and
// their connections. All records of before they were found missing must be
// read. Without any loss there is nothing to do: a target is dropped just
// before its exit is reported.
func (o *Observer) endLost() error {
	missing := o.missing
	o.missing = nil
	ledger, err := o.collector.Connections.Ledger()
	if err != nil || ledger.Lost() == 0 {
		return err
	}
	now := monotonic()
	for _, proc := range missing {
		if !o.processes.Current(&proc) {
			continue
		}
		if err := o.conns.endProcess(proc.PID, now); err != nil {
			return err
		}
		o.processes.Vanish(proc.PID, now)
	}
	return nil
}
