package history

import "encoding/binary"

// chunkBytes is when a chunk is full. Small ones waste their ends, large ones outlive their time.
const chunkBytes = 192

// values are the numbers of one moment, by field.
type values [maxFields]int64

// chunk is a run of moments without a gap. Each is the fields that changed since the one before: a mask, and the differences as signed varints.
// A mask of 0 is followed by how many moments nothing changed for. The first moment differs from zeroes.
type chunk struct {
	from  int64 // the moment of the first
	count int   // of moments, still ones included
	still int   // at the end, not in data yet
	data  []byte
}

// track is one series at one pace, the oldest chunk first.
type track struct {
	chunks []chunk
	last   values // of the newest moment
}

// add appends a moment. One that does not follow the newest begins a new chunk.
func (t *track) add(moment int64, v values) {
	c := t.open(moment)
	c.count++
	mask := uint64(0)
	for i := range v {
		if v[i] != t.last[i] {
			mask |= 1 << i
		}
	}
	if mask == 0 && c.count > 1 {
		c.still++
		return
	}
	if c.still > 0 {
		c.data = binary.AppendUvarint(append(c.data, 0), uint64(c.still))
		c.still = 0
	}
	if mask == 0 {
		c.still = 1 // a chunk that begins with zeroes
		return
	}
	c.data = binary.AppendUvarint(c.data, mask)
	for i := range v {
		if mask&(1<<i) != 0 {
			c.data = binary.AppendVarint(c.data, v[i]-t.last[i])
		}
	}
	t.last = v
}

// open returns the chunk that the moment belongs to.
func (t *track) open(moment int64) *chunk {
	if n := len(t.chunks); n > 0 {
		c := &t.chunks[n-1]
		if c.from+int64(c.count) == moment && len(c.data) < chunkBytes {
			return c
		}
	}
	t.chunks = append(t.chunks, chunk{from: moment})
	t.last = values{}
	return &t.chunks[len(t.chunks)-1]
}

// trim drops chunks that end before a moment.
func (t *track) trim(before int64) {
	n := 0
	for n < len(t.chunks)-1 && t.chunks[n].from+int64(t.chunks[n].count) <= before {
		n++
	}
	if n > 0 {
		t.chunks = append([]chunk(nil), t.chunks[n:]...)
	}
}

// size is the memory of a track beside the struct itself.
func (t *track) size() (n int64) {
	n = int64(cap(t.chunks)) * chunkSize
	for i := range t.chunks {
		n += int64(cap(t.chunks[i].data))
	}
	return n
}

// each calls back with every moment from one on, in order.
func (t *track) each(from int64, f func(moment int64, v *values)) {
	for i := range t.chunks {
		c := &t.chunks[i]
		if c.from+int64(c.count) > from {
			c.each(from, f)
		}
	}
}

func (c *chunk) each(from int64, f func(moment int64, v *values)) {
	var v values
	moment := c.from
	repeat := func(n int) {
		for range n {
			if moment >= from {
				f(moment, &v)
			}
			moment++
		}
	}
	for data := c.data; len(data) > 0; {
		mask, n := binary.Uvarint(data)
		data = data[n:]
		if mask == 0 {
			still, n := binary.Uvarint(data)
			data = data[n:]
			repeat(int(still))
			continue
		}
		for i := range v {
			if mask&(1<<i) != 0 {
				d, n := binary.Varint(data)
				data = data[n:]
				v[i] += d
			}
		}
		repeat(1)
	}
	repeat(c.still)
}
