package http1

// maxPipelined bounds the number of remembered requests that wait for a response.
const maxPipelined = 16384

// method is the part of a request that decides how its response is parsed.
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

// pipeline holds the methods of the requests without a final response. The zero
// value is empty.
type pipeline struct {
	budget  *Budget
	methods []method
	first   int  // index of the oldest in methods
	full    bool // later requests are not remembered
	cost    int64
}

// push adds a request. Without room it remembers neither this request nor any after
// it.
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

// keepMethods is the number of methods a direction may remember without asking the
// budget.
const keepMethods = 256

// oldest returns the method that the next final response is for.
func (p *pipeline) oldest() method {
	if p.first == len(p.methods) {
		return methodUnseen
	}
	return p.methods[p.first]
}

// pop removes the oldest, which has its final response.
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

// clear removes all.
func (p *pipeline) clear() {
	p.budget.Add(-p.cost)
	*p = pipeline{budget: p.budget}
}
