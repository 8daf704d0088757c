package otlp

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"h2trace/export/otlp/otlptest"
)

// hasty is for tests whose collector comes back at once, or not at all.
var hasty = pace{first: time.Millisecond, longest: 4 * time.Millisecond, elapsed: 10 * time.Second}

// spansInRecording is what recording makes.
const spansInRecording = 51

// feed takes the recording.
func feed(t testing.TB, x *Exporter) {
	t.Helper()
	for _, line := range recording(t) {
		x.Line([]byte(line))
	}
}

// hang keeps a request until its client leaves.
func hang(r *http.Request) bool {
	<-r.Context().Done()
	return true
}

// TestFailures has collectors that fail in one way each. Whatever they do, the counts add up, only what
// arrived is called sent, and each failure is said once.
func TestFailures(t *testing.T) {
	always := func(status int) func(int, http.ResponseWriter, *http.Request) bool {
		return func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(status)
			return true
		}
	}
	page := func(kind, text string) func(int, http.ResponseWriter, *http.Request) bool {
		return func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, text)
			return true
		}
	}
	tests := []struct {
		name   string
		answer func(n int, w http.ResponseWriter, r *http.Request) bool
		want   Counts
		says   []string
		posts  int // 0: any number
	}{
		{"takes all", nil, Counts{Sent: spansInRecording}, nil, 1},
		{"busy at first", func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n < 3 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader([]int{429, 502, 503}[n])
			}
			return n < 3
		}, Counts{Sent: spansInRecording}, []string{"takes no spans: it answers with status 429; h2trace tries again", "status 502; h2trace", "status 503; h2trace"}, 4},
		{"leaves in the middle of a response, then takes all", func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n > 0 {
				return false
			}
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "cut")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, Counts{Sent: spansInRecording}, []string{"its answer is cut"}, 2},
		{"always busy", always(503), Counts{Dropped: spansInRecording}, []string{"status 503; h2trace tries again", "did not take everything within"}, 0},
		{
			"hangs", func(_ int, _ http.ResponseWriter, r *http.Request) bool { return hang(r) },
			Counts{Dropped: spansInRecording},
			[]string{"did not take everything within"},
			1,
		},
		{"hangs in the middle of a response", func(_ int, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "slow")
			w.(http.Flusher).Flush()
			return hang(r)
		}, Counts{Dropped: spansInRecording}, []string{"did not take everything within"}, 1},
		{"refuses", always(400), Counts{Dropped: spansInRecording}, []string{"status 400; they are dropped"}, 1},
		{"wants other credentials", always(401), Counts{Dropped: spansInRecording}, []string{"status 401; they are dropped"}, 1},
		{"is elsewhere", always(404), Counts{Dropped: spansInRecording}, []string{"no collector is there, or not at that path"}, 1},
		{"is a web site", page("text/html", "<html>welcome"), Counts{Dropped: spansInRecording}, []string{"does not answer as a collector"}, 1},
		{"says it is a collector", page("application/x-protobuf", "\xff\xff\xff"), Counts{Dropped: spansInRecording}, []string{"does not answer as a collector"}, 1},
		{
			"answers without end", page("application/x-protobuf", strings.Repeat("\x1a\x00", 1<<20)),
			Counts{Dropped: spansInRecording},
			[]string{"does not answer as a collector"},
			1,
		},
		{"says nothing", page("", ""), Counts{Sent: spansInRecording}, nil, 1},
		{"rejects a part", func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			otlptest.Partial(w, 5, "too old\x1b[2J"+strings.Repeat("!", 9999))
			return true
		}, Counts{Sent: spansInRecording - 5, Rejected: 5}, []string{"rejects some spans: too old"}, 1},
		{"rejects more than there are", func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			otlptest.Partial(w, 1<<62, "")
			return true
		}, Counts{Rejected: spansInRecording}, []string{"rejects some spans: it does not say why"}, 1},
		{"rejects less than none", func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			otlptest.Partial(w, -1, "")
			return true
		}, Counts{Sent: spansInRecording}, nil, 1},
		{"warns", func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			otlptest.Partial(w, 0, "deprecated")
			return true
		}, Counts{Sent: spansInRecording}, []string{"warns: deprecated"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := otlptest.Start(t, tt.answer)
			x, said := start(t, c.URL)
			feed(t, x)
			limit := 30 * time.Second
			if len(tt.says) > 0 && strings.Contains(tt.says[len(tt.says)-1], "within") {
				limit = 200 * time.Millisecond
				await(t, func() bool { return len(c.Headers()) > 0 && len(said.all()) == len(tt.says)-1 })
			}
			begun := time.Now()
			got := x.Close(limit)
			if took := time.Since(begun); took > limit+10*time.Second {
				t.Errorf("the end took %v", took)
			}
			if got.Spans != tt.want {
				t.Errorf("got %+v, want %+v", got.Spans, tt.want)
			}
			checkSaid(t, said.all(), tt.says)
			if n := len(c.Headers()); tt.posts > 0 && n != tt.posts {
				t.Errorf("%d requests, want %d", n, tt.posts)
			}
			if n := len(c.Spans()); n > 0 && uint64(n) != got.Spans.Sent {
				t.Errorf("%d spans arrived, %d were sent", n, got.Spans.Sent)
			}
		})
	}
}

// await waits for a condition. The end, whose time is limited, comes after it: on a busy machine
// nothing might be tried before.
func await(t *testing.T, met func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !met(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("what is to be before the end is not")
		}
	}
}

// checkSaid requires that each of the messages has its text, and that there are no others.
func checkSaid(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !strings.Contains(got[i], want[i]) || len(got[i]) > 500 {
			t.Fatalf("it says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestAway has no collector at all.
func TestAway(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	x, said := start(t, "http://user:hunter2@"+ln.Addr().String())
	feed(t, x)
	await(t, func() bool { return len(said.all()) == 1 })
	if got, want := x.Close(100*time.Millisecond).Spans, (Counts{Dropped: spansInRecording}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	checkSaid(t, said.all(), []string{"connection refused; h2trace tries again", "did not take everything within"})
	if all := strings.Join(said.all(), "\n"); strings.Contains(all, "hunter2") || !strings.Contains(all, "http://"+ln.Addr().String()) {
		t.Errorf("it says\n%s", all)
	}
}

// TestRetryAfter waits for as long as the collector asks for.
func TestRetryAfter(t *testing.T) {
	var asked [2]time.Time
	again := make(chan struct{})
	c := otlptest.Start(t, func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if asked[min(n, 1)] = time.Now(); n == 1 {
			close(again)
		}
		w.Header().Set("Retry-After", "1")
		if n == 0 {
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return n == 0
	})
	x, _ := start(t, c.URL)
	feed(t, x)
	<-again // Close would hurry
	if got := x.Close(10 * time.Second); got.Spans.Sent != spansInRecording || asked[1].Sub(asked[0]) < time.Second {
		t.Errorf("got %+v after %v", got, asked[1].Sub(asked[0]))
	}
}

// TestRedirect does not send the fields of the environment to where a collector points.
func TestRedirect(t *testing.T) {
	var asked atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	defer other.Close()
	c := otlptest.Start(t, func(_ int, w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		return true
	})
	x, said := start(t, c.URL, "OTEL_EXPORTER_OTLP_HEADERS=api-key=hunter2")
	feed(t, x)
	if got, want := x.Close(10*time.Second).Spans, (Counts{Dropped: spansInRecording}); got != want || asked.Load() {
		t.Errorf("got %+v, want %+v; followed: %v", got, want, asked.Load())
	}
	checkSaid(t, said.all(), []string{"it redirects with status 307; name the URL that it redirects to"})
	if c.Headers()[0].Get("Api-Key") != "hunter2" {
		t.Errorf("the collector itself did not get the fields of the environment: %v", c.Headers()[0])
	}
}

// TestFlood has more spans than there is room for, while the collector hangs. They are dropped, and
// counted, and what waits is bounded.
func TestFlood(t *testing.T) {
	c := otlptest.Start(t, func(_ int, _ http.ResponseWriter, r *http.Request) bool { return hang(r) })
	x, said := start(t, c.URL)
	const exchanges = 3 * maxWaiting
	line := `{"v":1,"ts":"2026-11-30T12:00:00.%09dZ","event":"exchange","pid":7,"comm":"go","conn":"c1","stream":1,"method":"GET","url":"https://goproxy.example/","status":200}`
	for i := range exchanges {
		x.Line(fmt.Appendf(nil, line, i))
	}
	if n := len(x.sender.queue); n != maxWaiting {
		t.Errorf("%d spans wait, want %d", n, maxWaiting)
	}
	x.Missed(fmt.Appendf(nil, line, 0))
	if got, want := x.Close(100*time.Millisecond).Spans, (Counts{Dropped: exchanges + 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	checkSaid(t, said.all(), []string{"takes spans more slowly than they come", "did not take everything within"})
}

// TestLargeFlood has spans with long texts. The bytes that wait are bounded, and so is a message.
func TestLargeFlood(t *testing.T) {
	var longest atomic.Int64
	goOn := make(chan struct{})
	c := otlptest.Start(t, func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		<-goOn
		longest.Store(max(longest.Load(), r.ContentLength))
		return false
	})
	x, said := start(t, c.URL)
	const exchanges = maxWaiting
	line := `{"v":1,"ts":"2026-11-30T12:00:00.%09dZ","event":"exchange","pid":7,"comm":"go","conn":"c1","stream":1,"method":"%[2]s","url":"https://goproxy.example/%[2]s","status":200}`
	for i := range exchanges {
		x.Line(fmt.Appendf(nil, line, i, strings.Repeat("M", 4000)))
		if n := x.sender.bytes.Load(); n > maxWaitingBytes {
			t.Fatalf("%d bytes wait", n)
		}
	}
	close(goOn)
	got := x.Close(30 * time.Second).Spans
	if got.Dropped == 0 || got.Sent < maxWaitingBytes/5000 || got.Sent+got.Dropped != exchanges || longest.Load() > maxBatchBytes+chunkSize {
		t.Errorf("%+v, the longest message has %d bytes", got, longest.Load())
	}
	if n := x.sender.bytes.Load(); n != 0 {
		t.Errorf("%d bytes wait in the end", n)
	}
	checkSaid(t, said.all(), []string{"takes spans more slowly than they come"})
}
