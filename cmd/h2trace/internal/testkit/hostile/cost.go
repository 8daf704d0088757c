package hostile

// Cost is what an attack costs in two sizes, N and 4N. Command count measures it.
type Cost struct {
	Name string
	N    int
	Of   [2]Measure
}

// Measure is what an attack of one size costs.
type Measure struct {
	Packets, Bytes int
	Steps          uint64 // blocks of statements that ran
	Allocated      uint64 // bytes
	Kept           int64  // bytes of the heap, before the connections end
}
