package queue

// deferred holds the messages that are not due yet: a binary heap of values by due time, and by id where that is equal,
// so that messages deferred alike come in the order of their publishing. Its owner guards it.
type deferred struct {
	heap []Message
}

func (d *deferred) len() int { return len(d.heap) }

// earliest is when the first message is due, or never.
func (d *deferred) earliest() int64 {
	if len(d.heap) == 0 {
		return never
	}
	return d.heap[0].Due
}

func (d *deferred) push(m Message) {
	d.heap = append(d.heap, m)
	h := d.heap
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !sooner(&m, &h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = m
}

// pop removes the message that is due first. There must be one.
func (d *deferred) pop() Message {
	first := d.heap[0]
	n := len(d.heap) - 1
	last := d.heap[n]
	d.heap[n] = Message{}
	d.heap = d.heap[:n]
	if n > 0 {
		d.sink(last)
	}
	d.shrink()
	return first
}

// sink puts m in the place of the first message and restores the order.
func (d *deferred) sink(m Message) {
	h := d.heap
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && sooner(&h[child+1], &h[child]) {
			child++
		}
		if !sooner(&h[child], &m) {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = m
}

// shrink gives the room of a burst back once three quarters of it are unused.
func (d *deferred) shrink() {
	const small = 16
	if len(d.heap) == 0 && cap(d.heap) > small {
		d.heap = nil
	} else if cap(d.heap) > 1024 && len(d.heap) < cap(d.heap)/4 {
		d.heap = append(make([]Message, 0, cap(d.heap)/2), d.heap...)
	}
}

// drop forgets everything.
func (d *deferred) drop() { d.heap = nil }

func sooner(a, b *Message) bool {
	return a.Due < b.Due || a.Due == b.Due && a.ID < b.ID
}
