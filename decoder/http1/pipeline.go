package http1

// maxPipelined bounds the requests remembered that wait for their responses.
const maxPipelined = 16384

// method is what a response depends on of its request.
type method uint8

const (
	methodUnseen method = iota // the request was not seen
	methodOther
	methodHead
	methodConnect
)

func methodOf(name string) method {
	switch name {
	case "HEAD":
		return methodHead
	case "CONNECT":
		return methodConnect
	}
	return methodOther
}

// pipeline holds the methods of the requests that have no final response yet. The
// zero value is empty.
type pipeline struct {
	budget  *Budget
	methods []method
	first   int  // of methods, the oldest
	full    bool // later ones are not remembered
	cost    int64
}

// push enters a request. One for which there is no room is not remembered, nor is
// any after it.
func (p *pipeline) push(m method) {
	if p.full {
		return
	}
	if len(p.methods)-p.first == maxPipelined {
		p.full = true
		return
	}
	if len(p.methods) == cap(p.methods) && p.first >= len(p.methods)/2 {
		p.methods = p.methods[:copy(p.methods, p.methods[p.first:])]
		p.first = 0
	}
	p.methods = append(p.methods, m)
	if n := int64(cap(p.methods)); n > max(p.cost, keepMethods) {
		if !p.budget.take(n - p.cost) {
			p.methods, p.full = p.methods[:len(p.methods)-1:len(p.methods)-1], true
			return
		}
		p.cost = n
	}
}

// keepMethods is how many methods a direction may remember without asking.
const keepMethods = 256

// oldest returns the method that the next final response is for.
func (p *pipeline) oldest() method {
	if p.first == len(p.methods) {
		return methodUnseen
	}
	return p.methods[p.first]
}

// pop notes that the oldest has its final response.
func (p *pipeline) pop() {
	if p.first == len(p.methods) {
		return
	}
	if p.first++; p.first == len(p.methods) {
		p.methods, p.first = p.methods[:0], 0
	}
}

// lost reports whether the next response is for a request that is not remembered.
func (p *pipeline) lost() bool { return p.full && p.first == len(p.methods) }

// clear forgets all.
func (p *pipeline) clear() {
	p.budget.Add(-p.cost)
	*p = pipeline{budget: p.budget}
}
