package main

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"
)

// paused lets a request ask for a late response: with "Pause: 20ms" the response
// begins 20 ms after the end of the request, and ends 20 ms after its first bytes.
// Server-Got and Server-Began say, in Unix nanoseconds, when the server had the whole
// request and when it began the response.
func paused(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pause, err := time.ParseDuration(r.Header.Get("Pause"))
		if err != nil {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		now := func(name string) { w.Header().Set(name, strconv.FormatInt(time.Now().UnixNano(), 10)) }
		now("Server-Got")
		time.Sleep(pause)
		now("Server-Began")
		next.ServeHTTP(w, r)
		_ = http.NewResponseController(w).Flush() // an error ends the connection
		time.Sleep(pause)
	})
}
