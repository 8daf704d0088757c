package report

import "encoding/json"

// single is one run, summed up by itself.
type single struct {
	*sums
	labels map[string]string
}

// eachRun has f called with each run when it has ended.
func (b *Builder) eachRun(f func(*single)) { b.each = f }

// take gives an event to the run, and to all that sees it by itself.
func (b *Builder) take(e event) {
	b.run.take(e)
	if b.alone != nil {
		b.alone.take(e)
	}
	for _, w := range b.watchers {
		w.watch(e, b.run)
	}
}

// watcher sees the events besides the run.
type watcher interface {
	watch(e event, of *run)
}

// begin begins a run.
func (b *Builder) begin() {
	b.run = newRun(b.sums)
	if b.timeline != nil {
		b.run.track = new(track)
	}
	if b.each != nil {
		b.alone = newRun(newSums())
	}
}

// endAlone ends the run that is summed up by itself.
func (b *Builder) endAlone() {
	if b.alone != nil {
		b.alone.end()
		b.each(&single{b.alone.sums, b.alone.labels})
		b.alone = nil
	}
}

// maxRunLabels bounds the labels of a run.
const maxRunLabels = 64

// labelsOf returns the labels of a summary, as written; nil without any.
func labelsOf(v []byte) map[string]string {
	var list map[string]string
	if v == nil || json.Unmarshal(v, &list) != nil || len(list) > maxRunLabels {
		return nil
	}
	return list
}
