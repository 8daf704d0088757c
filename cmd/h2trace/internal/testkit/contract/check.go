package contract

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// check returns what is wrong with a value, or nil.
type check func(raw json.RawMessage) error

func typed[T any](name string) check {
	return func(raw json.RawMessage) error {
		var v T
		if isNull(raw) || json.Unmarshal(raw, &v) != nil {
			return fmt.Errorf("%.40s is not %s", raw, name)
		}
		return nil
	}
}

var (
	str     = typed[string]("a string")
	boolean = typed[bool]("a boolean")
	integer = typed[int64]("an integer")
	count   = typed[uint64]("a count")
	object  = typed[map[string]json.RawMessage]("an object")
)

func orNull(is check) check {
	return func(raw json.RawMessage) error {
		if isNull(raw) {
			return nil
		}
		return is(raw)
	}
}

func oneOf(values ...string) check {
	return func(raw json.RawMessage) error {
		for _, v := range values {
			if string(raw) == `"`+v+`"` {
				return nil
			}
		}
		return fmt.Errorf("%.40s is none of %s", raw, strings.Join(values, ", "))
	}
}

func list(is check) check {
	return func(raw json.RawMessage) error {
		var elems []json.RawMessage
		if err := json.Unmarshal(raw, &elems); err != nil || elems == nil {
			return fmt.Errorf("%.40s is not an array", raw)
		}
		for i, e := range elems {
			if err := is(e); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return nil
	}
}

func members(is check) check {
	return func(raw json.RawMessage) error {
		ms, err := objectMembers(raw)
		if err != nil {
			return err
		}
		for _, m := range ms {
			if err := is(m.value); err != nil {
				return fmt.Errorf("%s: %w", m.key, err)
			}
		}
		return nil
	}
}

func keys(ks ...key) check {
	return func(raw json.RawMessage) error { return checkKeys(raw, ks) }
}

// checkKeys requires that raw is an object with only keys of ks, in their order, with
// all required ones and each value valid.
func checkKeys(raw []byte, ks []key) error {
	ms, err := objectMembers(raw)
	if err != nil {
		return err
	}
	next := 0
	for _, m := range ms {
		at := next
		for at < len(ks) && ks[at].name != m.key {
			if ks[at].required {
				return fmt.Errorf("key %q where %q is due", m.key, ks[at].name)
			}
			at++
		}
		if at == len(ks) {
			return fmt.Errorf("key %q is unknown here or out of order", m.key)
		}
		if err := ks[at].is(m.value); err != nil {
			return fmt.Errorf("%s: %w", m.key, err)
		}
		next = at + 1
	}
	for _, k := range ks[next:] {
		if k.required {
			return fmt.Errorf("no key %q", k.name)
		}
	}
	return nil
}

func one(raw json.RawMessage) error {
	if string(raw) != "1" {
		return fmt.Errorf("schema version %s, want 1", raw)
	}
	return nil
}

var millisShape = regexp.MustCompile(`^-?\d+\.\d{3}$`)

// millis is a duration: milliseconds with three decimals, never negative.
func millis(raw json.RawMessage) error {
	var v float64
	if err := json.Unmarshal(raw, &v); err != nil || !millisShape.Match(raw) {
		return fmt.Errorf("%s is not milliseconds with three decimals", raw)
	}
	if v < 0 || math.IsInf(v, 0) {
		return fmt.Errorf("duration %s", raw)
	}
	return nil
}

var timeShape = regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"$`)

// timestamp is RFC 3339 in UTC with all nine digits of the nanoseconds.
func timestamp(raw json.RawMessage) error {
	var v time.Time
	if !timeShape.Match(raw) {
		return fmt.Errorf("%s is not RFC 3339 UTC with nanoseconds", raw)
	}
	return json.Unmarshal(raw, &v)
}

var connShape = regexp.MustCompile(`^"c[1-9]\d*"$`)

func connID(raw json.RawMessage) error {
	if !connShape.Match(raw) {
		return fmt.Errorf("%s is not a connection id", raw)
	}
	return nil
}

// endpoint is ip:port or [v6]:port, in the form that netip prints.
func endpoint(raw json.RawMessage) error {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	ap, err := netip.ParseAddrPort(s)
	if err == nil && ap.String() != s {
		err = fmt.Errorf("%q is not in canonical form", s)
	}
	return err
}

func base64Bytes(raw json.RawMessage) error {
	var b []byte // encoding/json reads base64 into it
	return json.Unmarshal(raw, &b)
}

func hexBytes(raw json.RawMessage) error {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	if _, err := hex.DecodeString(s); err != nil {
		return errors.New("not hex")
	}
	return nil
}
