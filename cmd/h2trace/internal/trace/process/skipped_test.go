package process

import "testing"

// TestSkipped has commands without anything to observe, as the user types them.
func TestSkipped(t *testing.T) {
	const reason = "not a Go binary"
	type program struct {
		pid int
		exe string
	}
	const again = "; " + runAdvice
	tests := []struct {
		name, typed string
		ran         []program
		want        string
	}{
		{"the same", "/usr/bin/env", []program{{7, "/usr/bin/env"}}, "/usr/bin/env: not a Go binary" + again},
		{"another name", "sh", []program{{7, "/usr/bin/dash"}}, "sh (/usr/bin/dash): not a Go binary" + again},
		{"what it ran", "sh", []program{{7, "/usr/bin/dash"}, {8, "/usr/bin/sleep"}}, "sh (/usr/bin/dash): not a Go binary, and it ran /usr/bin/sleep: not a Go binary" + again},
		{"what it became", "sh", []program{{7, "/usr/bin/dash"}, {7, "/usr/bin/sleep"}}, "sh (/usr/bin/dash): not a Go binary, and it ran /usr/bin/sleep: not a Go binary" + again},
		{"running before", "", []program{{7, "/usr/bin/dash"}}, "/usr/bin/dash: not a Go binary"},
		{"nothing", "sh", nil, "no process ran a program"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var o outcomes
			o.setCommand(tt.typed, 7)
			for _, one := range tt.ran {
				o.skip(&Process{PID: one.pid, Exe: one.exe}, reason)
			}
			if got := o.nothingObserved(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
