package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"testing"
)

// lsp is a small client of the Language Server Protocol 3.17: it sends requests one
// at a time, and answers those of the server with null.
type lsp struct {
	t  testing.TB
	w  io.Writer
	r  *bufio.Reader
	id int
}

// lspMessage is a request, a response or a notification (JSON-RPC 2.0).
type lspMessage struct {
	JSONRPC string           `json:"jsonrpc"`
	ID      *json.RawMessage `json:"id,omitempty"`
	Method  string           `json:"method,omitempty"`
	Params  any              `json:"params,omitempty"`
	Result  json.RawMessage  `json:"result,omitempty"`
	Error   json.RawMessage  `json:"error,omitempty"`
}

func (c *lsp) send(m lspMessage) {
	c.t.Helper()
	m.JSONRPC = "2.0"
	body, err := json.Marshal(m)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c.w, "Content-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		c.t.Fatal(err)
	}
}

func (c *lsp) receive() lspMessage {
	c.t.Helper()
	header, err := textproto.NewReader(c.r).ReadMIMEHeader()
	if err != nil {
		c.t.Fatalf("language server: %v", err)
	}
	n, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil {
		c.t.Fatal(err)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(c.r, body); err != nil {
		c.t.Fatal(err)
	}
	var m lspMessage
	if err := json.Unmarshal(body, &m); err != nil {
		c.t.Fatalf("%v: %s", err, body)
	}
	if m.ID != nil && m.Method != "" {
		c.send(lspMessage{ID: m.ID, Result: json.RawMessage("null")})
	}
	return m
}

// call sends a request and waits for its response.
func (c *lsp) call(method string, params any) json.RawMessage {
	c.t.Helper()
	c.id++
	id := json.RawMessage(strconv.Itoa(c.id))
	c.send(lspMessage{ID: &id, Method: method, Params: params})
	for {
		m := c.receive()
		if m.ID == nil || m.Method != "" || string(*m.ID) != string(id) {
			continue
		}
		if m.Error != nil {
			c.t.Fatalf("%s: %s", method, m.Error)
		}
		return m.Result
	}
}

// notify sends a notification.
func (c *lsp) notify(method string, params any) {
	c.t.Helper()
	c.send(lspMessage{Method: method, Params: params})
}
