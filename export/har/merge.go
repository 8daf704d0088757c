package har

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// merge calls f with each entry of runs in order.
func (s *sorter) merge(runs []run, f func(begin, length int64, entry io.Reader) error) error {
	var heads headHeap
	for i, r := range runs {
		h := &head{number: i, in: bufio.NewReaderSize(io.NewSectionReader(s.file, r.at, r.len), runRead)}
		if err := heads.push(h); err != nil {
			return err
		}
	}
	for heads.Len() > 0 {
		h := heap.Pop(&heads).(*head)
		if err := f(h.begin, h.len, io.LimitReader(h.in, h.len)); err != nil {
			return err
		}
		if err := heads.push(h); err != nil {
			return err
		}
	}
	return nil
}

// head is the next entry of a run.
type head struct {
	in         *bufio.Reader
	number     int
	begin, len int64
}

// headHeap has the earliest entry first. It is a heap.Interface.
type headHeap []*head

// push adds the next entry of a run, if it has one.
func (h *headHeap) push(of *head) error {
	var b [16]byte
	if _, err := io.ReadFull(of.in, b[:]); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return fmt.Errorf("sort entries: %w", err)
	}
	of.begin, of.len = int64(binary.LittleEndian.Uint64(b[:])), int64(binary.LittleEndian.Uint64(b[8:]))
	heap.Push(h, of)
	return nil
}

func (h headHeap) Len() int { return len(h) }

func (h headHeap) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].begin, h[j].begin), cmp.Compare(h[i].number, h[j].number)) < 0
}

func (h headHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is part of heap.Interface.
func (h *headHeap) Push(x any) { *h = append(*h, x.(*head)) }

// Pop is part of heap.Interface.
func (h *headHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
