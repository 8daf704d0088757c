package report

import "strconv"

// Count is a number that may be unknown: negative, and null in JSON.
type Count int64

// Unknown is an unknown Count.
const Unknown Count = -1

// MarshalJSON implements json.Marshaler.
func (c Count) MarshalJSON() ([]byte, error) {
	if c < 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(c), 10), nil
}

// String returns the number as a cell of a table.
func (c Count) String() string {
	if c < 0 {
		return "-"
	}
	return strconv.FormatInt(int64(c), 10)
}

// megabytes returns a number of bytes as a cell of a table.
func (c Count) megabytes() string {
	if c < 0 {
		return "-"
	}
	return strconv.FormatFloat(float64(c)/1e6, 'f', 2, 64)
}
