// Package lsp is a client of the Language Server Protocol 3.17.
package lsp

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
)

// Client sends one request at a time. It answers the requests of the server with null.
type Client struct {
	in  io.Writer
	out *bufio.Reader
	id  int
}

// New returns a client that writes to the stdin of a server, and reads its stdout.
func New(in io.Writer, out io.Reader) *Client { return &Client{in: in, out: bufio.NewReader(out)} }

// message is a request, a response or a notification (JSON-RPC 2.0).
type message struct {
	JSONRPC string           `json:"jsonrpc"`
	ID      *json.RawMessage `json:"id,omitempty"`
	Method  string           `json:"method,omitempty"`
	Params  any              `json:"params,omitempty"`
	Result  json.RawMessage  `json:"result,omitempty"`
	Error   *failure         `json:"error,omitempty"`
}

type failure struct {
	Message string `json:"message"`
}

// maxMessage bounds a message of the server.
const maxMessage = 64 << 20

func (c *Client) send(m message) error {
	m.JSONRPC = "2.0"
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.in, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return err
}

func (c *Client) receive() (m message, err error) {
	header, err := textproto.NewReader(c.out).ReadMIMEHeader()
	if err != nil {
		return m, err
	}
	n, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil || n < 0 || n > maxMessage {
		return m, fmt.Errorf("message of length %q", header.Get("Content-Length"))
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(c.out, body); err != nil {
		return m, err
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, err
	}
	if m.ID != nil && m.Method != "" {
		err = c.send(message{ID: m.ID, Result: json.RawMessage("null")})
	}
	return m, err
}

// Call sends a request and waits for its response.
func (c *Client) Call(method string, params any) (json.RawMessage, error) {
	c.id++
	id := json.RawMessage(strconv.Itoa(c.id))
	if err := c.send(message{ID: &id, Method: method, Params: params}); err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	for {
		m, err := c.receive()
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", method, err)
		case m.ID == nil || m.Method != "" || string(*m.ID) != string(id):
			continue
		case m.Error != nil:
			return nil, fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		return m.Result, nil
	}
}

// Notify sends a notification.
func (c *Client) Notify(method string, params any) error {
	return c.send(message{Method: method, Params: params})
}
