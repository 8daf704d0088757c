package e2e

import (
	"context"
	"net/http"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// interrupted presses Ctrl-C when a command has waited for most of the time since its
// start.
func interrupted(t *testing.T, c command, reached func()) string {
	t.Helper()
	start := time.Now()
	tr := startTracing(t, c)
	reached()
	time.Sleep(max(700*time.Millisecond, time.Since(start)))
	if err := syscall.Kill(-tr.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if r := tr.wait(); r.status != 130 {
		t.Errorf("exit status %d, want 130\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	return tr.events
}

// gets is h2client with a URL.
func (l *lab) gets(t *testing.T, url string, flags ...string) command {
	t.Helper()
	return command{args: append([]string{bin(t, "h2client"), "-url", url}, flags...), env: peerEnv(l.authority)}
}

// unfair is the verdict on a proxy that does not respond.
var unfair = []string{"no request of it", "nothing failed", "nearer", "warm cache", "delivers slowly"}

// TestWaitVerdicts has programs wait for events that never come.
func TestWaitVerdicts(t *testing.T) {
	const http1 = "GODEBUG=http2client=0"
	download := func(at stage, plain bool, env ...string) func(*testing.T, *lab) string {
		return func(t *testing.T, l *lab) string {
			url, reached := l.silent(t, at, plain)
			return interrupted(t, l.download(t, oneModule, url, env...), reached)
		}
	}
	unanswered := []string{" went to waiting for an answer to GET ", "/example.test/one/m000/@v/v1.0.0.mod from ", ", which never came"}
	stopped := []string{" went to waiting for the rest of the response to GET ", ", which never came"}
	checkSituations(t, []situation{
		{name: "connect", run: download(connecting, false), cause: "connect", text: []string{"connecting to 127.0.0.1:", "does not answer"}, never: unfair},
		{name: "handshake", run: download(handshaking, false), cause: "tls", text: []string{"a TLS handshake with 127.0.0.1:", "never ended"}, never: unfair},
		{name: "answer", run: download(answering, false), cause: "server_wait", text: unanswered, evidence: []string{" given up (aborted)", "the command was interrupted (SIGINT, exit status 130)"}, never: unfair},
		{name: "answer, HTTP/1.1", run: download(answering, false, http1), cause: "server_wait", text: unanswered, never: unfair},
		{name: "answer, without TLS", run: download(answering, true), cause: "server_wait", text: unanswered, never: unfair},
		{name: "body", run: download(delivering, false), cause: "server_wait", text: stopped, never: unfair},
		{name: "body, HTTP/1.1", run: download(delivering, false, http1), cause: "server_wait", text: stopped, never: unfair},
		{name: "body, without TLS", run: download(delivering, true), cause: "server_wait", text: stopped, never: unfair},
		{
			name: "deadline",
			run: func(t *testing.T, l *lab) string {
				url, _ := l.silent(t, answering, false)
				return traced(t, 1, l.gets(t, url, "-scenario", "get", "-timeout", "2s"))
			},
			cause: "server_wait", text: []string{"waiting for an answer to GET ", "which never came"}, never: append(unfair, "proxy"),
		},
		{
			name: "deadline, HTTP/2 without TLS",
			run: func(t *testing.T, l *lab) string {
				url, _ := l.silent(t, answering, true)
				return traced(t, 1, l.gets(t, url, "-plain", "-scenario", "get", "-timeout", "2s"))
			},
			cause: "server_wait", text: []string{"waiting for an answer to GET ", "which never came"}, never: append(unfair, "proxy"),
		},
		{
			name: "pings without an answer",
			run: func(t *testing.T, l *lab) string {
				addr, _ := scriptedServer(t, l.authority, func(p *peer) {
					p.accept()
					p.until(func(f http2.Frame) bool { return f.Header().Type == http2.FramePing })
					<-t.Context().Done() // the next PING is neither read nor answered
				})
				return traced(t, 1, l.gets(t, "https://"+addr, "-ping", "300ms", "-pong", "700ms", "-scenario", "get"))
			},
			cause: "server_wait", text: []string{"waiting for an answer to GET ", "which never came"}, never: append(unfair, "proxy"),
		},
		{
			name: "given up, and done without",
			run: func(t *testing.T, l *lab) string {
				url, _ := l.silent(t, answering, false)
				c := l.gets(t, url, "-scenario", "get", "-timeout", "2s")
				c.args = append([]string{"sh", "-c", `"$@"; exit 0`, "sh"}, c.args...)
				return traced(t, 0, c)
			},
			cause: "server_wait", text: []string{"waiting for an answer to GET ", "which never came"}, evidence: []string{" given up (aborted)"}, never: unfair,
		},
		{
			name: "joined before it asks",
			run: func(t *testing.T, l *lab) string {
				url, _ := l.silent(t, answering, false)
				p := startFile(t, fetch.path(t), peerEnv(l.authority), "-", url+"/joined")
				tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(p.pid)}})
				tr.awaitEvent(`"action":"attached"`, 1)
				p.typeIn("")
				tr.awaitEvent(`"type":"HEADERS"`, 1)
				time.Sleep(500 * time.Millisecond) // fetch waits for its response
				tr.signal(syscall.SIGINT)
				tr.good()
				return tr.events
			},
			cause: "server_wait", text: []string{"waiting for an answer to GET ", "/joined", "which never came"},
			evidence: []string{" waits for an answer since ", "the observing was ended by SIGINT"}, never: append(unfair, "proxy", "processes themselves"),
		},
		{
			name: "joined while it waits",
			run: func(t *testing.T, l *lab) string {
				asked := make(chan struct{})
				over, end := context.WithCancel(t.Context())
				url := l.serves(t, false, func(_ http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/waiting" {
						close(asked)
						<-over.Done()
					}
				})
				t.Cleanup(end) // before the server is closed
				return l.joined(t, func(p *program) {
					p.readPID()
					time.Sleep(300 * time.Millisecond) // no bare ACK is sent after this
					p.typeIn("")
					<-asked
				}, url+"/answered", "-", url+"/waiting")
			},
			cause: "server_wait", text: []string{"waiting for an answer from 127.0.0.1:", "nothing more came"},
			evidence: []string{"has carried nothing, and the process spoke last, since "}, never: append(unfair, "proxy", "processes themselves"),
		},
		{
			name: "joined while it has nothing to ask",
			run: func(t *testing.T, l *lab) string {
				url := l.serves(t, false, func(http.ResponseWriter, *http.Request) {})
				return l.joined(t, func(p *program) { p.readPID() }, url, "-")
			},
			cause: "client", text: []string{"no data went while"}, evidence: []string{"has carried nothing since "}, never: append(unfair[2:], "proxy", "never came"),
		},
	})
}

// joined attaches to fetch once awaited returns, observes it for a while without
// traffic, and returns the file with the events.
func (l *lab) joined(t *testing.T, awaited func(*program), args ...string) string {
	t.Helper()
	p := startFile(t, fetch.path(t), peerEnv(l.authority), append([]string{"-"}, args...)...)
	p.typeIn("")
	awaited(p)
	tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(p.pid)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	time.Sleep(500 * time.Millisecond)
	tr.signal(syscall.SIGINT)
	tr.wait()
	return tr.events
}
