package tcp

// Offset returns the offset of a sequence number in its direction. first is the sequence
// number of offset 0, the one after the SYN. near is an offset within 2 GiB of the result,
// such as the highest so far: sequence numbers wrap (RFC 9293 §3.4). An offset before 0 is
// negative.
func Offset(seq, first uint32, near uint64) int64 {
	return int64(near) + int64(int32(seq-first-uint32(near)))
}
