//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/proxies"
	"h2trace/cmd/h2trace/internal/trace"
)

// The defaults of "h2trace proxies".
const (
	proxiesRounds  = 5
	proxiesTimeout = 2 * time.Minute
)

// parseProxies reads what follows "proxies". Of the flags before it only -q has a meaning.
func parseProxies(before *pflag.FlagSet, opts *Options, args []string) (Options, action, error) {
	fs, version, err := subcommandFlags(before, "proxies", opts)
	if err != nil {
		return *opts, 0, err
	}
	p := &opts.Proxies
	*p = proxies.Options{Timeout: proxiesTimeout}
	var sources trace.Sources
	bindProxies(fs, p, &sources)
	if err := parseFlags(fs, args); err != nil {
		return helpOr(err, opts, "proxies")
	}
	if *version {
		return *opts, actionVersion, nil
	}
	if fs.Changed("source") {
		p.Sources = sources.String()
	}
	p.Proxies, p.Quiet = fs.Args(), opts.Quiet
	return *opts, actionProxies, checkProxies(p, fs.Changed("rounds"))
}

// bindProxies binds the flags.
func bindProxies(fs *pflag.FlagSet, p *proxies.Options, sources *trace.Sources) {
	fs.StringVarP(&p.Modules, "modules", "m", "", "")
	fs.IntVarP(&p.Rounds, "rounds", "n", proxiesRounds, "")
	fs.Var((*duration)(&p.For), "for", "")
	fs.IntVarP(&p.Jobs, "jobs", "j", 1, "")
	fs.Var((*duration)(&p.Timeout), "timeout", "")
	fs.StringVar(&p.Profile, "profile", proxies.ProfileDownload, "")
	fs.StringArrayVar(&p.Labels, "label", nil, "")
	fs.StringVar(&p.Keep, "keep", "", "")
	fs.BoolVar(&p.JSON, "json", false, "")
	fs.StringVarP(&p.User, "user", "u", "", "")
	fs.Var(sources, "source", "")
}

func checkProxies(p *proxies.Options, rounds bool) error {
	switch {
	case p.Rounds < 1:
		return usagef("-n %d: it takes at least one download of each proxy", p.Rounds)
	case p.Jobs < 1:
		return usagef("--jobs %d: it takes at least one download at a time", p.Jobs)
	case rounds && p.For > 0:
		return usagef("-n and --for exclude each other")
	case p.Profile != proxies.ProfileDownload && p.Profile != proxies.ProfileEditor:
		return usagef("--profile %q: the profiles are %s and %s", p.Profile, proxies.ProfileDownload, proxies.ProfileEditor)
	case p.Profile == proxies.ProfileEditor && p.Jobs > 1:
		return usagef("--jobs is for --profile %s", proxies.ProfileDownload)
	}
	for _, label := range p.Labels {
		if key, _, ok := strings.Cut(label, "="); !ok || key == "" {
			return usagef("--label %q is not KEY=VALUE", label)
		}
	}
	return nil
}

// runProxies compares module proxies.
func runProxies(opts proxies.Options, msg *message.Printer, stdout io.Writer) int {
	if hint := launch.SudoHint("go", opts.User); hint != "" {
		msg.Infof("%s", hint)
	}
	ctx, stop := launch.UntilSignalled(context.Background(), nil)
	defer stop()
	err := proxies.Run(ctx, opts, msg, stdout, os.Stderr)
	var input *proxies.InputError
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		return exitOK
	case errors.As(err, &input):
		msg.Errorf("%v", err)
		return exitUsage
	}
	msg.Errorf("%v", err)
	return exitRuntime
}
