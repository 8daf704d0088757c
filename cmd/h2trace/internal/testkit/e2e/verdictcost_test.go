package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestCostVerdicts has programs fail, or take long, for reasons that packets,
// exchanges and processes reveal.
func TestCostVerdicts(t *testing.T) {
	slowly := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(600 * time.Millisecond)
			w.WriteHeader(status)
		}
	}
	checkSituations(t, []situation{
		{
			name: "proxy that refuses connections",
			run: func(t *testing.T, l *lab) string {
				return traced(t, 1, l.download(t, oneModule, "https://"+closedAddr(t)))
			},
			cause: "connect", evidence: []string{"connection refused"}, never: []string{"nothing failed", "nearer proxy"},
		},
		{
			name: "first proxy that refuses connections",
			run: func(t *testing.T, l *lab) string {
				good := modproxy.Start(t, l.authority, oneModule, modproxy.Options{})
				return traced(t, 0, l.download(t, oneModule, "https://"+closedAddr(t)+"|"+good.URL))
			},
			cause: "healthy", text: []string{"the command succeeded"}, evidence: []string{"ECONNREFUSED"}, never: []string{"nothing failed", "look at"},
		},
		{
			name: "first proxy whose name is not found",
			run: func(t *testing.T, l *lab) string {
				good := modproxy.Start(t, l.authority, oneModule, modproxy.Options{})
				w := modproxy.NewWorkspace(t, l.authority, oneModule, good)
				return runDegraded(t, []string{"-origin", good.URL}, w.Dir, w.Env, false,
					"sh", "-c", `GOPROXY="https://nowhere.example|$GOPROXY" exec go mod download`)
			},
			cause: "healthy", text: []string{"the command succeeded"}, evidence: []string{"NXDOMAIN"}, never: []string{"nothing failed", "look at"},
		},
		{
			name: "first proxy that takes long to fail",
			run: func(t *testing.T, l *lab) string {
				good := modproxy.Start(t, l.authority, oneModule, modproxy.Options{})
				return traced(t, 0, l.download(t, oneModule, l.serves(t, false, slowly(503))+"|"+good.URL))
			},
			cause: "server_wait", text: []string{" went to https://127.0.0.1:", ", which failed"}, never: []string{"warm cache", "nothing failed"},
		},
		{
			name: "server that takes long",
			run: func(t *testing.T, l *lab) string {
				c := l.gets(t, l.serves(t, false, slowly(200)))
				return traced(t, 0, command{args: []string{fetch.path(t), c.args[2]}, env: c.env})
			},
			cause: "server_wait", text: []string{"the server takes long to answer"}, never: []string{"proxy", "never came"},
		},
		{
			name: "one of two addresses does not answer", run: deadAddress,
			cause: "connect", text: []string{" ms of ", "connecting to [2001:db8::1]:", "does not answer; 127.0.0.1:", "repair that address"},
			never: []string{"nearer"},
		},
		{
			name: "git that takes long",
			run: func(t *testing.T, l *lab) string {
				c := l.download(t, nil, "direct", slowGit(t, newRepository(t))...)
				c.args = append(c.args, "example.test/repo.git@v1.0.0")
				return traced(t, 0, c)
			},
			cause: "vcs", text: []string{" went to git, which fetched modules directly"}, never: []string{"proxy", "nothing failed"},
		},
		{
			name: "all in the module cache",
			run: func(t *testing.T, l *lab) string {
				good := modproxy.Start(t, l.authority, oneModule, modproxy.Options{})
				c := l.download(t, oneModule, good.URL)
				first := exec.Command(c.args[0], c.args[1:]...)
				first.Dir, first.Env = c.dir, c.env
				if out, err := first.CombinedOutput(); err != nil {
					t.Fatalf("go mod download: %v\n%s", err, out)
				}
				return traced(t, 0, c)
			},
			cause: "healthy", text: []string{"no request was made", "in the module cache"}, never: []string{"proxy"},
		},
		{
			name: "command that fails by itself",
			run: func(t *testing.T, l *lab) string {
				url := l.serves(t, false, func(http.ResponseWriter, *http.Request) {})
				return traced(t, 1, command{args: []string{fetch.path(t), url, "!exit 3"}, env: peerEnv(l.authority)})
			},
			cause: "client", text: []string{"exit status 1", "no request of it did"}, never: []string{"proxy"},
		},
		{
			name: "interrupted with no request under way",
			run: func(t *testing.T, l *lab) string {
				url := l.serves(t, false, func(http.ResponseWriter, *http.Request) {})
				c := command{args: []string{"timeout", "-s", "INT", "2", fetch.path(t), url, "!exec sleep 9"}, env: peerEnv(l.authority)}
				return traced(t, 124, c)
			},
			cause: "client", text: []string{"exit status 124", "no request of it"}, never: []string{"proxy", "never came"},
		},
		{
			name: "nothing to observe", run: func(t *testing.T, _ *lab) string { return traced(t, 0, command{args: []string{"true"}}) },
			cause: "client", text: []string{"nothing could be observed: ", "/true: not a Go binary"},
		},
		{
			name: "server", run: observedServer,
			cause: "healthy", text: []string{"nothing failed"}, evidence: []string{"passed with no request under way", "went to the processes themselves"},
			never: []string{"proxy", "takes long"},
			check: func(t *testing.T, c *conclusion) {
				if !strings.Contains(c.whole, `"clients":[{"client":"127.0.0.1","requests":1,`) || !strings.Contains(c.whole, `"proxies":[]`) {
					t.Error("the client is not in the table of clients alone")
				}
			},
		},
		{
			name: "process that was running, and idle",
			run: func(t *testing.T, l *lab) string {
				p := startFile(t, fetch.path(t), peerEnv(l.authority), "-", l.serves(t, false, func(http.ResponseWriter, *http.Request) {}), "-")
				tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(p.pid)}})
				tr.awaitEvent(`"action":"attached"`, 1)
				time.Sleep(500 * time.Millisecond) // the program is idle meanwhile
				p.typeIn("")
				tr.awaitEvent(`"event":"exchange"`, 1)
				tr.signal(syscall.SIGINT)
				tr.good()
				return tr.events
			},
			cause: "healthy", text: []string{"nothing failed"}, evidence: []string{"passed with no request under way"}, never: []string{"proxy"},
			check: func(t *testing.T, c *conclusion) {
				if c.Time["idle_ms"] < 500 || c.Time["other_ms"] > c.Wall/2 {
					t.Errorf("got %v, want 500 ms idle", c.Time)
				}
			},
		},
	})
}

// deadAddress runs h2client where goproxy.example has an IPv6 address that drops all
// packets, and an IPv4 address that answers.
func deadAddress(t *testing.T, l *lab) string {
	dir := t.TempDir()
	events := filepath.Join(dir, "events.jsonl")
	const script = `set -e
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v0 up
ip link set v1 up
ip -6 addr add 2001:db8::2/64 dev v0 nodad
ip neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev v0
printf '2001:db8::1 goproxy.example\n127.0.0.1 goproxy.example\n' >hosts
mount --bind hosts /etc/hosts
mkfifo held
"$SERVER" -cert "$CERT" -key "$KEY" <held >addr &
exec 3>held # until the shell ends
while ! [ -s addr ]; do sleep 0.02; done
port=$(cut -d: -f2 addr)
"$H2TRACE" -o events.jsonl "$CLIENT" -url "https://goproxy.example:$port" -scenario once
`
	cert, key := l.authority.ServerFiles(t)
	cmd := exec.Command("unshare", "-mn", "sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(peerEnv(l.authority), "SERVER="+bin(t, "h2server"), "CLIENT="+bin(t, "h2client"), "H2TRACE="+bin(t, "h2trace"), "CERT="+cert, "KEY="+key)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, indent(string(out)))
	}
	checkEventsFile(t, events)
	return events
}

// slowGit is the environment in which git takes 400 ms and more to fetch from a
// repository.
func slowGit(t *testing.T, repo string) []string {
	t.Helper()
	pack := filepath.Join(t.TempDir(), "upload-pack")
	if err := os.WriteFile(pack, []byte("#!/bin/sh\nsleep 0.4\nexec git upload-pack \"$1\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return []string{
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=url.ext::" + pack + " " + repo + ".insteadOf", "GIT_CONFIG_VALUE_0=https://example.test/repo",
		"GIT_CONFIG_KEY_1=protocol.ext.allow", "GIT_CONFIG_VALUE_1=always",
	}
}

// observedServer has an observed server work on a request for 300 ms.
func observedServer(t *testing.T, l *lab) string {
	tr := startTracing(t, command{args: serverArgs(t, l.authority), env: peerEnv(l.authority)})
	addr := tr.line()
	run(t, clientArgs(t, addr, "-scenario", "ping"), peerEnv(l.authority))
	if r := tr.wait(); r.status != 0 {
		t.Errorf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	return tr.events
}
