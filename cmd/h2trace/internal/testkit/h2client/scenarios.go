package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// do sends a request and returns the length of its whole response.
func (c *client) do(ctx context.Context, method, path string, body io.Reader, edit func(*http.Request)) (int64, *http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return 0, nil, err
	}
	if edit != nil {
		edit(req)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	return n, resp, err
}

func get(ctx context.Context, c *client) error {
	for _, size := range []int64{0, 16, 1 << 14, 1 << 20} {
		n, _, err := c.do(ctx, "GET", fmt.Sprintf("/size?n=%d", size), nil, nil)
		if err != nil {
			return err
		}
		if n != size {
			return fmt.Errorf("%d bytes, want %d", n, size)
		}
	}
	return nil
}

// once sends one request and accepts any outcome: its server is a script.
func once(ctx context.Context, c *client) error {
	_, _, _ = c.do(ctx, "GET", "/", nil, nil)
	return nil
}

// upload is once with a body that has to wait for windows.
func upload(ctx context.Context, c *client) error {
	_, _, _ = c.do(ctx, "POST", "/", strings.NewReader(strings.Repeat("u", 200_000)), nil)
	return nil
}

func post(ctx context.Context, c *client) error {
	for _, size := range []int{0, 1, 1 << 14, 300_000} {
		n, _, err := c.do(ctx, "POST", "/echo", strings.NewReader(strings.Repeat("p", size)), nil)
		if err != nil {
			return err
		}
		if n != int64(size) {
			return fmt.Errorf("%d bytes, want %d", n, size)
		}
	}
	return nil
}

// bulk moves much in both directions at once.
func bulk(ctx context.Context, c *client) error {
	const size = 4 << 20
	var wg sync.WaitGroup
	var downErr, upErr error
	wg.Go(func() {
		var n int64
		if n, _, downErr = c.do(ctx, "GET", fmt.Sprintf("/size?n=%d", size), nil, nil); downErr == nil && n != size {
			downErr = fmt.Errorf("%d bytes, want %d", n, size)
		}
	})
	wg.Go(func() {
		var resp *http.Response
		if _, resp, upErr = c.do(ctx, "POST", "/count", strings.NewReader(strings.Repeat("b", size)), nil); upErr == nil && resp.Header.Get("X-Count") != strconv.Itoa(size) {
			upErr = fmt.Errorf("the server got %s bytes, want %d", resp.Header.Get("X-Count"), size)
		}
	})
	wg.Wait()
	return errors.Join(downErr, upErr)
}

func trailers(ctx context.Context, c *client) error {
	// The length of the body is unknown, so that trailers can follow it.
	body := io.MultiReader(strings.NewReader("some body"), strings.NewReader(strings.Repeat("x", 20_000)))
	n, resp, err := c.do(ctx, "POST", "/trailers", body, func(r *http.Request) {
		r.Trailer = http.Header{"X-Sum": {"sum-of-the-request"}}
	})
	if err != nil {
		return err
	}
	if got := resp.Trailer.Get("X-Sum"); got != "sum-of-the-request" || n != 20_009 {
		return fmt.Errorf("%d bytes, trailer %q", n, got)
	}
	return nil
}

// headers needs CONTINUATION frames in both directions.
func headers(ctx context.Context, c *client) error {
	for range 2 {
		_, resp, err := c.do(ctx, "GET", "/headers?n=40", nil, func(r *http.Request) {
			for i := range 40 {
				r.Header.Set(fmt.Sprintf("X-Request-%03d", i), strings.Repeat("<r"+strconv.Itoa(i)+">", 200))
			}
			r.Header.Set("Authorization", "Bearer never-indexed")
			r.Header.Set("X-Latin", "caf\xe9")
		})
		if err != nil {
			return err
		}
		if got := len(resp.Header); got < 40 {
			return fmt.Errorf("%d header fields", got)
		}
	}
	return nil
}

// streams has 60 concurrent requests.
func streams(ctx context.Context, c *client) error {
	var wg sync.WaitGroup
	errs := make([]error, 60)
	for i := range errs {
		wg.Go(func() {
			path, body := fmt.Sprintf("/size?n=%d", i<<9), io.Reader(nil)
			method := "GET"
			if i%3 == 0 {
				method, path, body = "POST", "/echo", strings.NewReader(strings.Repeat("s", i<<8))
			}
			_, _, errs[i] = c.do(ctx, method, path, body, nil)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// reset cancels requests in the middle of their responses.
func reset(ctx context.Context, c *client) error {
	for range 3 {
		if err := cancelOnce(ctx, c); err != nil {
			return err
		}
	}
	return get(ctx, c)
}

// cancelOnce cancels a request when its response begins.
func cancelOnce(ctx context.Context, c *client) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", c.base+"/hang", nil)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	_, err = io.ReadFull(resp.Body, make([]byte, len("first bytes")))
	cancel()
	_ = resp.Body.Close() // the cancellation is intended
	return err
}

// abort makes the server reset streams.
func abort(ctx context.Context, c *client) error {
	for range 3 {
		if _, _, err := c.do(ctx, "GET", "/abort", nil, nil); err == nil {
			return errors.New("no error from a reset stream")
		}
	}
	return get(ctx, c)
}

// early makes the server respond before it has read the body; the rest of the body
// exceeds the window of the stream.
func early(ctx context.Context, c *client) error {
	for range 3 {
		_, resp, err := c.do(ctx, "POST", "/early", strings.NewReader(strings.Repeat("e", 4<<20)), nil)
		if err == nil && resp.StatusCode != http.StatusForbidden {
			return fmt.Errorf("status %s", resp.Status)
		}
	}
	return nil
}

// ping is silent for longer than -ping.
func ping(ctx context.Context, c *client) error {
	_, _, err := c.do(ctx, "GET", "/slow?d=300ms", nil, nil)
	return err
}

// goAway makes the server end the connection, then needs another.
func goAway(ctx context.Context, c *client) error {
	for range 3 {
		if _, _, err := c.do(ctx, "GET", "/close", nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// tiny sends one small request, a little different each time.
func tiny(ctx context.Context, c *client) error {
	c.turn++
	_, _, err := c.do(ctx, "POST", fmt.Sprintf("/echo?i=%d", c.turn), strings.NewReader(strings.Repeat("p", c.turn%500)), func(r *http.Request) {
		r.Header.Set("X-Turn", strconv.Itoa(c.turn))
	})
	return err
}

// table repeats some of 900 fields, which a large header table holds.
func table(ctx context.Context, c *client) error {
	_, resp, err := c.do(ctx, "GET", "/mirror", nil, func(r *http.Request) {
		for range 30 {
			i := rand.IntN(900)
			r.Header.Set(fmt.Sprintf("X-Field-%d", i), fmt.Sprintf("value %d", i))
		}
	})
	if err == nil && len(resp.Header) < 20 {
		err = fmt.Errorf("%d header fields", len(resp.Header))
	}
	time.Sleep(5 * time.Millisecond)
	return err
}
