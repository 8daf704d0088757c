package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// startup measures the time until a large binary is observed.
func (b *bench) startup(ctx context.Context) error {
	info, err := os.Stat(b.binary)
	if err != nil {
		return err
	}
	events := filepath.Join(b.dir, "startup.jsonl")
	var attached, alone, traced, ended []float64
	for range b.startups {
		bare, _, err := b.firstByte(ctx, b.binary, "version")
		if err != nil {
			return err
		}
		began := time.Now()
		late, over, err := b.firstByte(ctx, b.h2trace, "-q", "-o", events, "--", b.binary, "version")
		if err != nil {
			return err
		}
		if at, err := timeOf("attached", events); err != nil {
			b.fault("startup: %v", err)
		} else {
			attached = append(attached, millis(at.Sub(began)))
		}
		if at, err := timeOf("exit", events); err != nil {
			b.fault("startup: %v", err)
		} else {
			ended = append(ended, millis(over.Sub(at)))
		}
		alone, traced = append(alone, millis(bare)), append(traced, millis(late))
	}
	b.report.Startup = &startupReport{
		BinaryBytes: info.Size(), Runs: b.startups, AloneMillis: median(alone), TracedMillis: median(traced),
	}
	if len(attached) > 0 {
		b.report.Startup.AttachedMillis = new(median(attached))
	}
	if len(ended) > 0 {
		b.report.Startup.EndedMillis = new(median(ended))
	}
	return nil
}

// firstByte runs a command on the core of h2trace. It returns the time to its first output,
// and when it had ended.
func (b *bench) firstByte(ctx context.Context, name string, args ...string) (took time.Duration, ended time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	// cmd/go looks for its root beside itself, and starts another toolchain if go.mod
	// requires one.
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOROOT="+b.goroot)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, ended, err
	}
	began := time.Now()
	if err := start(cmd, b.cores[1]); err != nil {
		return 0, ended, err
	}
	_, readErr := bufio.NewReader(stdout).ReadByte()
	took = time.Since(began)
	_, copyErr := io.Copy(io.Discard, stdout)
	err = cmd.Wait()
	ended = time.Now()
	if err != nil {
		return 0, ended, fmt.Errorf("%s: %w", name, err)
	}
	if err := errors.Join(readErr, copyErr); err != nil {
		return 0, ended, fmt.Errorf("%s printed nothing: %w", name, err)
	}
	return took, ended, nil
}

// timeOf returns the time of the first event of a process with an action. It is
// "attached" when the kernel executed the binary, whose probes were in place by then.
func timeOf(action, name string) (time.Time, error) {
	f, err := os.Open(name)
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e struct {
			TS     time.Time `json:"ts"`
			Action string    `json:"action"`
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return time.Time{}, err
		}
		if e.Action == action {
			return e.TS, nil
		}
	}
	if err := lines.Err(); err != nil {
		return time.Time{}, err
	}
	return time.Time{}, fmt.Errorf("NO PROBE: no process has action %s", action)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
