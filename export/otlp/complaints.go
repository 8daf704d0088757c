package otlp

import (
	"context"
	"strings"
	"sync"
)

// complaints says what goes wrong with a signal, each kind of it once: of both signals the same
// once, too.
type complaints struct {
	*saying
	what string // spans or metrics
}

// saying is what complaints share.
type saying struct {
	say      func(format string, args ...any)
	endpoint string

	mu   sync.Mutex
	said map[string]bool
}

// maxSaid bounds the messages: others choose what some say.
const maxSaid = 8

func newSaying(o *Options) *saying {
	return &saying{say: o.Say, endpoint: o.Endpoint.String(), said: make(map[string]bool)}
}

func (s *saying) once(kind, format string, args ...any) {
	s.mu.Lock()
	again := s.said[kind] || len(s.said) >= maxSaid
	if !again {
		s.said[kind] = true
	}
	s.mu.Unlock()
	if !again {
		s.say(format, args...)
	}
}

// trying says that a batch did not arrive at first.
func (c *complaints) trying(err error) {
	c.once(err.Error(), "%s takes no %s: %v; h2trace tries again, and counts what it drops", c.endpoint, c.what, err)
}

// failed says that a batch was dropped.
func (c *complaints) failed(err error) {
	c.once(err.Error(), "%s takes no %s: %v; they are dropped, and counted in the summary", c.endpoint, c.what, err)
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
