package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// config holds the flags.
type config struct {
	rounds          int
	warmup          time.Duration
	duration        time.Duration
	parts           string
	rate            int
	rateDuration    time.Duration
	fullDuration    time.Duration
	startups        int
	h2trace, binary string
	json            bool
}

const (
	allParts  = "small,large,plain-small,plain-large,rate,full,conns,startup"
	maxRounds = 99
	// minDuration is long enough for a request of an idle client.
	minDuration = 2 * time.Second / idleRate
	maxDuration = time.Minute
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	var c config
	flag.IntVar(&c.rounds, "rounds", 9, "rounds of all variants")
	flag.DurationVar(&c.warmup, "warmup", 300*time.Millisecond, "load before the measuring begins")
	flag.DurationVar(&c.duration, "duration", time.Second, "load that is measured, each run")
	flag.StringVar(&c.parts, "parts", allParts, "what to measure")
	flag.IntVar(&c.rate, "rate", 20000, "requests a second of the fixed rate")
	flag.DurationVar(&c.rateDuration, "rate-duration", 4*time.Second, "how long the fixed rate lasts")
	flag.DurationVar(&c.fullDuration, "full-duration", 10*time.Second, "how long the full rate lasts")
	flag.IntVar(&c.startups, "startups", 7, "start-ups to measure")
	flag.StringVar(&c.h2trace, "h2trace", "", "h2trace to measure; the default is to build it")
	flag.StringVar(&c.binary, "startup-binary", "", "Go program whose argument \"version\" prints something; the default is to build cmd/go")
	flag.BoolVar(&c.json, "json", false, "print one JSON object")
	flag.Parse()
	if err := c.valid(); err != nil {
		log.Print(err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	report, err := measure(ctx, c)
	if err != nil {
		stop()
		log.Fatal(err)
	}
	if c.json {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		err = report.print(os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
	for _, fault := range report.Faults {
		log.Printf("FAULT: %s", fault)
	}
	if len(report.Faults) > 0 {
		os.Exit(1)
	}
}

func (c *config) valid() error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	case c.rounds < 1 || c.rounds > maxRounds || c.startups < 1 || c.startups > maxRounds:
		return fmt.Errorf("rounds and startups are 1 to %d", maxRounds)
	case c.warmup < 0 || c.warmup > maxDuration:
		return fmt.Errorf("the warm-up is at most %v", maxDuration)
	case min(c.duration, c.rateDuration, c.fullDuration) < minDuration || max(c.duration, c.rateDuration, c.fullDuration) > maxDuration:
		return fmt.Errorf("durations are %v to %v", minDuration, maxDuration)
	case c.rate < 1:
		return errors.New("the rate is at least 1")
	}
	for part := range strings.SplitSeq(c.parts, ",") {
		if !slices.Contains(strings.Split(allParts, ","), part) {
			return fmt.Errorf("unknown part %q (valid: %s)", part, allParts)
		}
	}
	return nil
}

// measure runs the measurements of c.
func measure(ctx context.Context, c config) (*report, error) {
	b, err := newBench(ctx, c)
	if err != nil {
		return nil, err
	}
	defer b.close()
	for part := range strings.SplitSeq(c.parts, ",") {
		b.log.Printf("measuring %s", part)
		switch part {
		case "rate":
			err = b.fixedRates(ctx)
		case "full":
			err = b.full(ctx)
		case "conns":
			err = b.manyConnections(ctx)
		case "startup":
			if err = b.startup(ctx); err == nil {
				err = b.nothing(ctx)
			}
		default:
			err = b.throughput(ctx, workloads[part])
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part, err)
		}
	}
	return &b.report, nil
}
