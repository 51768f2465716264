package queue

// inFlight holds the messages that consumers have and have not answered, by value in slots that are reused. An id leads
// to its slot; the slots of one consumer are linked by deadline. Its owner guards it.
type inFlight struct {
	slots []flight // slots[0] is never used, so that 0 means none
	free  uint32   // first unused slot, linked by after
	index idTable
	used  int64 // when the latest delivery was
}

// flight is one delivery.
type flight struct {
	message       Message
	owner         *Subscription
	delivered     int64 // on the channel's steady clock, as is the deadline
	deadline      int64
	before, after uint32 // neighbours in the owner's deadlines
}

// deadlines are the flights of one consumer, the earliest deadline first. All deliveries to a consumer have one timeout, so
// a new one goes to the end and nothing is ever sorted. A list per consumer rather than one per timeout value: it goes
// away with the consumer's last flight, and it is the consumer's count of messages in flight as well.
type deadlines struct {
	first, last uint32
	count       int
}

func (f *inFlight) len() int { return f.index.count }

// add notes a delivery. It returns false if a copy of the message is in flight already, which happens when a crash made
// the disk queue repeat itself.
func (f *inFlight) add(m *Message, owner *Subscription, now, deadline int64) bool {
	if f.index.get(m.ID) != 0 {
		return false
	}
	if f.free == 0 {
		f.grow()
	}
	n := f.free
	s := &f.slots[n]
	f.free = s.after
	s.message, s.owner, s.delivered, s.deadline = *m, owner, now, deadline
	f.used = now
	f.index.put(m.ID, n)
	f.link(n, owner.deadlines.last)
	return true
}

func (f *inFlight) grow() {
	old := max(len(f.slots), 1)
	slots := make([]flight, max(2*old, smallestTable))
	copy(slots, f.slots)
	f.slots = slots
	for n := len(slots) - 1; n >= old; n-- {
		slots[n].after = f.free
		f.free = uint32(n)
	}
}

// get returns the flight of an id and its slot, or nil. The flight is valid until the next add.
func (f *inFlight) get(id ID) (*flight, uint32) {
	n := f.index.get(id)
	if n == 0 {
		return nil, 0
	}
	return &f.slots[n], n
}

// remove ends the flight in slot n.
func (f *inFlight) remove(n uint32) {
	s := &f.slots[n]
	f.index.remove(s.message.ID)
	f.unlink(n)
	*s = flight{after: f.free}
	f.free = n
}

// move gives the flight in slot n a later deadline. It looks for its place from the end, where nearly all belong.
func (f *inFlight) move(n uint32, deadline int64) {
	s := &f.slots[n]
	f.unlink(n)
	s.deadline = deadline
	at := s.owner.deadlines.last
	for at != 0 && f.slots[at].deadline > deadline {
		at = f.slots[at].before
	}
	f.link(n, at)
}

// link puts slot n behind slot at, or in front of all where at is 0.
func (f *inFlight) link(n, at uint32) {
	s := &f.slots[n]
	d := &s.owner.deadlines
	d.count++
	s.before = at
	next := &d.first
	if at != 0 {
		next = &f.slots[at].after
	}
	s.after = *next
	*next = n
	if s.after != 0 {
		f.slots[s.after].before = n
	} else {
		d.last = n
	}
}

func (f *inFlight) unlink(n uint32) {
	s := &f.slots[n]
	d := &s.owner.deadlines
	d.count--
	if s.before != 0 {
		f.slots[s.before].after = s.after
	} else {
		d.first = s.after
	}
	if s.after != 0 {
		f.slots[s.after].before = s.before
	} else {
		d.last = s.before
	}
}

// earliest returns the first slot and deadline of a consumer; never if nothing is in flight to it.
func (f *inFlight) earliest(d *deadlines) (uint32, int64) {
	if d.first == 0 {
		return 0, never
	}
	return d.first, f.slots[d.first].deadline
}

// idle reports whether it holds room and no message.
func (f *inFlight) idle() bool { return f.index.count == 0 && f.slots != nil }

// drop forgets everything and gives the room back. The owners' deadlines are the caller's.
func (f *inFlight) drop() { *f = inFlight{} }
