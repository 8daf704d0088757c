package otlp

import (
	"context"
	"strings"
	"sync"
)

// complaints says what goes wrong with a signal, each kind of it once.
type complaints struct {
	say      func(format string, args ...any)
	endpoint string
	what     string // spans or metrics

	mu   sync.Mutex
	said map[string]bool
}

func newComplaints(o *Options, what string) *complaints {
	return &complaints{say: o.Say, endpoint: o.Endpoint.String(), what: what, said: make(map[string]bool)}
}

func (c *complaints) once(kind, format string, args ...any) {
	c.mu.Lock()
	again := c.said[kind]
	c.said[kind] = true
	c.mu.Unlock()
	if !again {
		c.say(format, args...)
	}
}

// trying says that a batch did not arrive at first.
func (c *complaints) trying(err error) {
	c.once("away", "%s takes no %s: %v; h2trace tries again, and counts what it drops", c.endpoint, c.what, err)
}

// failed says that a batch was dropped.
func (c *complaints) failed(err error) {
	c.once("dropped", "%s takes no %s: %v; they are dropped, and counted in the summary", c.endpoint, c.what, err)
}

// full says that a span was dropped for want of room.
func (c *complaints) full() {
	c.once("full", "%s takes spans more slowly than they come; those without room are dropped, and counted in the summary", c.endpoint)
}

// outcome says what a batch came to, if it is not as it should be. At the very end, late has said it.
func (c *complaints) outcome(ctx context.Context, a answer, err error) {
	switch {
	case err != nil && ctx.Err() == nil:
		c.failed(err)
	case err == nil && (a.rejected > 0 || a.text != ""):
		c.rejected(a)
	}
}

// maxText bounds what is printed of a text of the collector.
const maxText = 200

// rejected says that a collector did not take all of a batch, or warns.
func (c *complaints) rejected(a answer) {
	text := strings.ToValidUTF8(a.text, "?")
	if runes := []rune(text); len(runes) > maxText {
		text = string(runes[:maxText]) + "…"
	}
	if text == "" {
		text = "it does not say why"
	}
	if a.rejected > 0 {
		c.once("rejected", "%s rejects some %s: %s", c.endpoint, c.what, text)
		return
	}
	c.once("warning", "%s warns: %s", c.endpoint, text)
}
