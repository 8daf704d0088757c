package report

// SetEnd says how the GOPROXY that Suggest is to replace ends: goproxy.Direct, goproxy.Off or
// goproxy.None. Runs whose GOPROXY was set for the recording do not say it.
func (b *Builder) SetEnd(end string) { b.sums.chain.tail = end }
