package metrics

import "h2trace/export/scan"

// actions are those of process events.
var actions = []string{"attached", "exec", "exit", "skipped", "error", "lock"}

// process takes what is said of a process.
func (r *Recorder) process(e *scan.Object) {
	action := oneOf(actions, e.Word("action"), "other")
	r.vectors.processes.WithLabelValues(action).Inc()
	switch action {
	case "error":
		r.vectors.complaints.WithLabelValues(classOf(e)).Inc()
	case "lock":
		if waited, ok := duration(e.Get("wait_ms")); ok {
			r.vectors.lockTime.WithLabelValues().Add(waited.Seconds())
		}
	}
}
