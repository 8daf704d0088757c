package record

import (
	"bytes"
	"testing"
)

// FuzzOpen gives any bytes to a Reader of each kind. It never panics, opens only
// what the endpoint sealed, and Find agrees with Open.
func FuzzOpen(f *testing.F) {
	sent := make([][]byte, len(kinds))
	for i, k := range kinds {
		sent[i] = newSealer(k).seal(ApplicationData, []byte("attack at dawn"), 5, 0)
		f.Add(uint8(i), sent[i])
		f.Add(uint8(i), sent[i][:len(sent[i])-1])
		f.Add(uint8(i), header(ApplicationData, 0))
		f.Add(uint8(i), append(header(ApplicationData, 64), make([]byte, 64)...))
	}
	f.Fuzz(func(t *testing.T, which uint8, record []byte) {
		i := int(which) % len(kinds)
		r := newSealer(kinds[i]).reader(t)
		r.SetNumber(5)
		number, found := r.Find(record, 0, 8)
		got, _, err := r.Open(nil, bytes.Clone(record))
		if sealed := bytes.Equal(record, sent[i]); sealed != (err == nil) || sealed != found {
			t.Fatalf("%s: Open gave %q, %v, Find gave %d, %v", kinds[i].name, got, err, number, found)
		}
		if err == nil && (string(got) != "attack at dawn" || number != 5) {
			t.Fatalf("%s: got %q of number %d", kinds[i].name, got, number)
		}
	})
}
