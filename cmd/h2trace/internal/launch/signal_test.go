package launch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/child"
)

// actAs and actPress are environment variables. They turn the test program into a process
// that is ending, and set the length of a key press.
const (
	actAs    = "H2TRACE_TEST_ENDING"
	actPress = "H2TRACE_TEST_PRESS"
)

func TestMain(m *testing.M) {
	if os.Args[0] == Name {
		os.Exit(Main(os.Args[1:]))
	}
	if role := os.Getenv(actAs); role != "" {
		if err := end(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	child.HeedSignals()
	os.Exit(m.Run())
}

// end handles signals as h2trace does, with COMMAND or without. It drains until the end of
// its input.
func end(role string) error {
	press, err := time.ParseDuration(os.Getenv(actPress))
	if err != nil {
		return err
	}
	switch role {
	case "attached":
		ctx, stop := untilSignalled(context.Background(), press, nil)
		defer stop()
		fmt.Println("observing")
		<-ctx.Done()
	case "command":
		r := RelaySignals()
		r.press = press
		defer r.Stop()
		cmd, err := Start(Spec{Args: []string{"true"}, Env: os.Environ(), Stdout: 2, Stderr: 2})
		if err != nil {
			return err
		}
		r.To(cmd)
		if err := cmd.Release(); err != nil {
			return err
		}
		if _, err := cmd.Wait(); err != nil {
			return err
		}
		r.CommandEnded()
	}
	fmt.Println("draining")
	_, err = io.Copy(io.Discard, os.Stdin)
	fmt.Println("drained")
	return err
}

// TestOnePress sends signals to a process that is about to end.
func TestOnePress(t *testing.T) {
	tests := []struct {
		role  string
		first bool // a signal ends the capture
		sig   syscall.Signal
	}{
		{"attached", true, syscall.SIGINT},
		{"attached", true, syscall.SIGTERM},
		{"attached", true, syscall.SIGHUP},
		{"command", false, syscall.SIGINT},
		{"command", false, syscall.SIGTERM},
	}
	for _, tt := range tests {
		for press, survives := range map[string]bool{"1h": true, "0s": false} {
			t.Run(tt.role+", "+tt.sig.String()+" within "+press, func(t *testing.T) {
				cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
				cmd.Env = append(os.Environ(), actAs+"="+tt.role, actPress+"="+press)
				cmd.Stderr = os.Stderr
				stdin, stdout := child.Start(t, cmd)
				t.Cleanup(func() { _ = cmd.Wait() }) // an error if it was called before
				lines := bufio.NewScanner(stdout)
				read := func(want string) {
					t.Helper()
					if !lines.Scan() || lines.Text() != want {
						t.Fatalf("read %q (%v), want %q", lines.Text(), lines.Err(), want)
					}
				}
				signal := func() {
					t.Helper()
					if err := cmd.Process.Signal(tt.sig); err != nil {
						t.Fatal(err)
					}
				}
				if tt.first {
					read("observing")
					signal()
				}
				read("draining")
				signal()
				if survives {
					untilTaken(t, cmd.Process.Pid)
					if err := stdin.Close(); err != nil {
						t.Fatal(err)
					}
					read("drained")
				}
				err := cmd.Wait()
				var exit *exec.ExitError
				switch {
				case survives && err != nil:
					t.Errorf("the second signal ended it: %v", err)
				case !survives && (!errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != tt.sig):
					t.Errorf("ended by %v, want %v", err, tt.sig)
				}
			})
		}
	}
}

var nothingPending = regexp.MustCompile(`(?m)^ShdPnd:\t0+$`)

// untilTaken waits until a process has no signal pending.
func untilTaken(t *testing.T, pid int) {
	t.Helper()
	for {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		if nothingPending.Match(b) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
