package e2e

import (
	"testing"

	"h2trace/cmd/h2trace/internal/lsp"
)

// languageServer is a client whose errors end the test.
type languageServer struct {
	*lsp.Client
	t testing.TB
}

func (c *languageServer) call(method string, params any) {
	c.t.Helper()
	if _, err := c.Call(method, params); err != nil {
		c.t.Fatalf("language server: %v", err)
	}
}

func (c *languageServer) notify(method string, params any) {
	c.t.Helper()
	if err := c.Notify(method, params); err != nil {
		c.t.Fatalf("language server: %v", err)
	}
}
