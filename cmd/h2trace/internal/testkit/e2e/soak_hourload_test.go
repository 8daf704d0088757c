package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// turn is a part of the load: a short program, and every so often something else.
func (h *hour) turn() {
	h.t.Helper()
	if soaking {
		time.Sleep(time.Until(h.next))
		h.next = h.next.Add(hourTurn)
	}
	h.turns++
	h.spawner.run(h.known, h.site.url+"/short")
	for _, other := range []struct {
		every int
		do    func()
	}{{5, h.fresh}, {6, h.crash}, {10, h.client}, {15, h.rotate}, {20, h.asleep}, {30, h.download}} {
		if h.turns%other.every == 0 {
			other.do()
		}
	}
}

// fresh runs an executable that was written just before.
func (h *hour) fresh() {
	h.t.Helper()
	h.copies++
	dir := filepath.Join(h.dir, fmt.Sprint(h.copies))
	if err := os.Mkdir(dir, 0o755); err != nil {
		h.t.Fatal(err)
	}
	file := filepath.Join(dir, soakName)
	fetch.copyTo(h.t, file)
	h.spawner.run(file, h.site.url+"/fresh")
	if err := os.RemoveAll(dir); err != nil {
		h.t.Fatal(err)
	}
}

// crash kills a program that has just had an answer.
func (h *hour) crash() {
	h.t.Helper()
	h.spawner.run(h.crasher, h.known, h.site.url+"/crash")
}

// client has trailers, large headers, many streams, and streams that are reset by either side.
func (h *hour) client() {
	h.t.Helper()
	h.scenarios.run(h.clientArgs...)
}

// rotate renames the file of the events, and has h2trace open another.
func (h *hour) rotate() {
	h.t.Helper()
	file := fmt.Sprintf("%s.%d", h.events, len(h.rotated))
	if err := os.Rename(h.events, file); err != nil {
		h.t.Fatal(err)
	}
	h.rotated = append(h.rotated, file)
	h.signal(syscall.SIGHUP)
	h.awaitSaid("SIGHUP: opened "+h.events+" again", len(h.rotated))
}

// asleep stops h2trace while a program that it knows makes many requests.
func (h *hour) asleep() {
	h.t.Helper()
	wake := filepath.Join(h.dir, fmt.Sprintf("wake-%d", h.turns))
	words := slices.Concat([]string{h.known, "mute", h.site.url + "/first", "@" + wake}, slices.Repeat([]string{h.site.url}, hourBurst))
	before := h.site.requests.Load()
	ended := h.spawner.start(words...)
	await(h.t, "the first request", func() bool { return h.site.requests.Load() > before })
	h.signal(syscall.SIGSTOP)
	touch(h.t, wake)
	h.spawner.await(ended)
	h.signal(syscall.SIGCONT)
	if err := os.Remove(wake); err != nil {
		h.t.Fatal(err)
	}
}

// download runs a go command.
func (h *hour) download() { h.downloads.work(h.t, h.downloader) }

// awaitFailures waits until the collector has failed in each way, and come back.
func (h *hour) awaitFailures() {
	h.t.Helper()
	await(h.t, "the failures of the collector", func() bool { return h.posts.Load() > 10 })
}

// wantAll requires that all files together are the output of one run, in which nothing is missing:
// neither exchanges of what the site has answered, nor spans that are not counted.
func (h *hour) wantAll(scraped float64) {
	h.t.Helper()
	var readers []io.Reader
	for _, file := range append(h.rotated, h.events) {
		b, err := os.ReadFile(file)
		if err != nil || len(b) == 0 {
			h.t.Fatalf("%s: %v, %d bytes", file, err, len(b))
		}
		readers = append(readers, bytes.NewReader(b))
	}
	stream, err := contract.Read(io.MultiReader(readers...))
	if err != nil {
		h.t.Fatal(err)
	}
	if err := checkBalance(stream); err != nil {
		h.t.Error(err)
	}
	balance, err := stream.Summary.Balance()
	if err != nil {
		h.t.Fatal(err)
	}
	within(h.t, hourPart, "records lost", float64(balance.Lost), 0, fmt.Sprintf("of %d", balance.Seen))
	list, err := stream.Exchanges()
	if err != nil {
		h.t.Fatal(err)
	}
	ofSite, late := 0, processesMissed(stream)
	for _, e := range list {
		if strings.HasPrefix(e.URL, h.site.url) {
			ofSite++
		}
	}
	answered := int(h.site.requests.Load())
	told(h.t, hourPart, "processes that were gone before their probes were in place, as events say", float64(late), "")
	within(h.t, hourPart, "exchanges missing, of other processes", float64(answered-ofSite-late), 0, fmt.Sprintf("of %d", answered))
	if ofSite > answered || scraped != float64(len(list)) {
		h.t.Errorf("%d exchanges of %d that the site answered; the metrics have %v of all %d", ofSite, answered, scraped, len(list))
	}
	h.wantSpans(stream)
}

// processesMissed counts the processes that got no probes, or too late: that is possible with fresh
// executables, on a busy machine, and each of these makes one request.
func processesMissed(stream *contract.Stream) int {
	missed := make(map[int]bool)
	for _, e := range stream.Of("process") {
		if strings.Contains(e.Raw, `"unseen":true`) {
			missed[e.PID] = true
		}
	}
	for _, e := range stream.Of("conn") {
		if e.Action == "close" && strings.Contains(e.Raw, `"reason":"not decrypted`) {
			missed[e.PID] = true
		}
	}
	return len(missed)
}

// wantSpans requires that the collector has what the summary says, and that all else is counted.
func (h *hour) wantSpans(stream *contract.Stream) {
	h.t.Helper()
	got, arrived, made := deliveredOf(h.t, stream), uint64(len(h.collector.Spans())), spansOf(stream)
	if got.SpansSent != arrived || got.SpansSent+got.SpansDropped != made || got.SpansDropped == 0 || got.SpansSent == 0 {
		h.t.Errorf("of %d spans, %d arrived; the summary says %+v\n%s", made, arrived, got, indent(h.said()))
	}
	told(h.t, hourPart, "requests to the collector", float64(h.posts.Load()), "")
	told(h.t, hourPart, "spans sent", float64(got.SpansSent), "")
	told(h.t, hourPart, "spans dropped, and counted", float64(got.SpansDropped), "")
}
