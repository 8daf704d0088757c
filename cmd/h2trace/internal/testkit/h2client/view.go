package main

import (
	"reflect"

	"golang.org/x/net/http2"
)

// windowsOf reads the unexported connection windows of cc: what it may still send,
// and what its peer may still send. The connection must be idle.
func windowsOf(cc *http2.ClientConn) []int64 {
	v := reflect.ValueOf(cc).Elem()
	return []int64{
		v.FieldByName("flow").FieldByName("n").Int(),
		v.FieldByName("inflow").FieldByName("avail").Int(),
	}
}
