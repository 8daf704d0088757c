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
	var attached, alone, traced []float64
	for range b.startups {
		bare, err := b.firstByte(ctx, b.binary, "version")
		if err != nil {
			return err
		}
		began := time.Now()
		late, err := b.firstByte(ctx, b.h2trace, "-q", "-o", events, "--", b.binary, "version")
		if err != nil {
			return err
		}
		at, err := firstAttached(events)
		if err != nil {
			b.fault("startup: %v", err)
		} else {
			attached = append(attached, millis(at.Sub(began)))
		}
		alone, traced = append(alone, millis(bare)), append(traced, millis(late))
	}
	b.report.Startup = &startupReport{
		BinaryBytes: info.Size(), Runs: b.startups, AloneMillis: median(alone), TracedMillis: median(traced),
	}
	if len(attached) > 0 {
		b.report.Startup.AttachedMillis = new(median(attached))
	}
	return nil
}

// firstByte runs a command on the core of h2trace and returns the time to its first output.
func (b *bench) firstByte(ctx context.Context, name string, args ...string) (time.Duration, error) {
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
		return 0, err
	}
	began := time.Now()
	if err := start(cmd, b.cores[1]); err != nil {
		return 0, err
	}
	_, readErr := bufio.NewReader(stdout).ReadByte()
	took := time.Since(began)
	_, copyErr := io.Copy(io.Discard, stdout)
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	if err := errors.Join(readErr, copyErr); err != nil {
		return 0, fmt.Errorf("%s printed nothing: %w", name, err)
	}
	return took, nil
}

// firstAttached returns the time of the first attached process event. The kernel executed
// the binary at that time, with its probes attached.
func firstAttached(name string) (time.Time, error) {
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
		if e.Action == "attached" {
			return e.TS, nil
		}
	}
	if err := lines.Err(); err != nil {
		return time.Time{}, err
	}
	return time.Time{}, errors.New("NO PROBE: no process was attached")
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
