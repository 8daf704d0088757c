//go:build linux

package main

import (
	"fmt"
	"io"
	"os"

	"h2trace/bpf/gate"
	"h2trace/bpf/rights"
	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/output"
	"h2trace/cmd/h2trace/internal/trace"
)

func main() {
	switch os.Args[0] {
	case launch.Name:
		os.Exit(launch.Main(os.Args[1:]))
	case gate.Name:
		gate.Main(os.Args[1:])
		return
	}
	_ = rights.Shield() // it fails on no kernel
	os.Exit(run(os.Args[1:], newTracer, os.Stdout, os.Stderr))
}

// testPlanVariable names a trace.TestPlan. It is for tests and scripts/bench.
const testPlanVariable = "H2TRACE_TEST_PLAN"

func newTracer(opts Options, out *output.Output, msg *message.Printer) (tracer, error) {
	var err error
	if opts.TestPlan, err = trace.ParseTestPlan(os.Getenv(testPlanVariable)); err != nil {
		return nil, fmt.Errorf("%s: %w", testPlanVariable, err)
	}
	if opts.TestPlan.TakesCalls() {
		opts.Sources = trace.Sources{Calls: true}
	}
	return newConfined(opts, out, msg)
}

// run is main without the process: it returns the exit status, and what
// observes processes is handed in.
func run(args []string, tracer tracerFunc, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = io.WriteString(stderr, shortUsage)
		return exitUsage
	}
	opts, action, err := parseArgs(args)
	msg := message.New(stderr, opts.Quiet)
	if err == nil {
		msg, err = prepareTop(&opts, action, msg, stderr)
	}
	if err != nil {
		msg.Errorf("%v", err)
		return exitUsage
	}
	switch action {
	case actionHelp:
		return printHelp(opts.Topic, msg, stdout)
	case actionVersion:
		return printText(versionText(), msg, stdout)
	case actionCheck:
		return runCheck(opts, msg, stdout)
	case actionReport:
		return runReport(opts.Report, msg, os.Stdin, stdout)
	case actionReplay:
		return runReplay(opts.Replay, msg, os.Stdin, stdout)
	case actionConvert:
		return runConvert(opts.Convert, msg, os.Stdin, stdout)
	case actionProxies:
		return runProxies(opts.Proxies, msg, stdout)
	case actionCompletion:
		return runCompletion(opts.Completion, msg, stdout)
	case actionCommand:
		return runCommand(opts, msg, tracer)
	default:
		return runAttach(opts, msg, tracer)
	}
}
