package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// client posts the batches of one signal.
type client struct {
	settings
	url     string
	hint    string
	version string
	pace    pace
	http    *http.Client
	zip     *gzip.Writer
	body    bytes.Buffer // of the batch, if it is compressed
}

// maxAnswer bounds what is read of a response.
const maxAnswer = 64 << 10

const contentType = "application/x-protobuf"

func newClient(o *Options, signal, path string) (*client, error) {
	s, err := settingsOf(o.Getenv, signal, o.Endpoint)
	if err != nil {
		return nil, err
	}
	config := s.tls
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c := &client{
		settings: s, url: o.Endpoint.of(path), hint: o.Endpoint.hint(), version: o.Version, pace: usualPace,
		http: &http.Client{
			Timeout: s.timeout,
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true,
				MaxIdleConns: 2, MaxIdleConnsPerHost: 1, IdleConnTimeout: 90 * time.Second,
				MaxResponseHeaderBytes: maxAnswer,
			},
			// The fields of the environment are for the collector, not for whoever it names.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if s.gzip {
		c.zip, err = gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	}
	return c, err
}

// failure is why a batch did not arrive.
type failure struct {
	err   error
	again bool          // it may arrive later
	wait  time.Duration // as the collector asks for, 0 if it does not
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// post sends a batch once.
func (c *client) post(ctx context.Context, batch []byte) (answer, *failure) {
	body, err := c.compress(batch)
	if err != nil {
		return answer{}, &failure{err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return answer{}, &failure{err: errors.New("no request can be made for it")}
	}
	req.Header.Set("User-Agent", "h2trace/"+c.version)
	for name, values := range c.header {
		req.Header[name] = values
	}
	if host := c.header.Get("Host"); host != "" {
		req.Host = host
	}
	req.Header.Set("Content-Type", contentType)
	if c.zip != nil {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, &failure{err: cause(err), again: true}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return answer{}, &failure{err: fmt.Errorf("its answer is cut: %w", cause(err)), again: true}
	}
	return c.judge(resp, text)
}

// compress returns the body for a batch. It is valid until the next call.
func (c *client) compress(batch []byte) ([]byte, error) {
	if c.zip == nil {
		return batch, nil
	}
	c.body.Reset()
	c.zip.Reset(&c.body)
	if _, err := c.zip.Write(batch); err != nil {
		return nil, err
	}
	err := c.zip.Close()
	return c.body.Bytes(), err
}

// judge returns what a response means (OTLP 1.9, OTLP/HTTP Response).
func (c *client) judge(resp *http.Response, text []byte) (answer, *failure) {
	switch s := resp.StatusCode; {
	case s == http.StatusTooManyRequests, s == http.StatusBadGateway, s == http.StatusServiceUnavailable, s == http.StatusGatewayTimeout:
		return answer{}, &failure{err: refusal(resp), again: true, wait: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	case s/100 == 3:
		return answer{}, &failure{err: fmt.Errorf("it redirects with status %d; name the URL that it redirects to", s)}
	case s == http.StatusNotFound:
		return answer{}, &failure{err: fmt.Errorf("%w: no collector is there, or not at that path%s", refusal(resp), c.hint)}
	case s/100 != 2:
		return answer{}, &failure{err: fmt.Errorf("%w%s", refusal(resp), c.hint)}
	case len(text) == 0:
		return answer{}, nil
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if len(text) > maxAnswer || strings.TrimSpace(kind) != contentType {
		return answer{}, &failure{err: fmt.Errorf("what is there does not answer as a collector%s", c.hint)}
	}
	a, err := parseAnswer(text)
	if err != nil {
		return answer{}, &failure{err: fmt.Errorf("what is there does not answer as a collector: %w%s", err, c.hint)}
	}
	return a, nil
}

func refusal(resp *http.Response) error {
	return fmt.Errorf("it answers with status %d", resp.StatusCode)
}
