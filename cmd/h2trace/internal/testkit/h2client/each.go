package main

import (
	"context"
	"io"
	"net/http"
	"os"
)

// each gets URLs at once, each over a connection of its own, which stays open, until stdin ends.
// The servers break rules: whatever comes of it is good.
func each(ctx context.Context, transport func() *http.Transport, urls []string) {
	for _, url := range urls {
		go func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
			if err != nil {
				return
			}
			resp, err := transport().RoundTrip(req)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}()
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}
