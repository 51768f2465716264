package bench

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that are at most 1/128 of their value wide, so that a run of any length fits
// into 60 kB and percentiles are exact to a per cent. One goroutine uses it.
type histogram struct {
	buckets [58 << bucketBits]uint64
	n       uint64
	most    time.Duration
}

const bucketBits = 7 // of a value that are kept behind its highest bit

func (h *histogram) add(d time.Duration) {
	h.buckets[bucketOf(uint64(max(d, 0)))]++
	h.n++
	h.most = max(h.most, d)
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
	h.n += o.n
	h.most = max(h.most, o.most)
}

// quantile is what this part of all (0.99 for most of them) was not longer than.
func (h *histogram) quantile(part float64) time.Duration {
	rank := uint64(part * float64(h.n))
	var seen uint64
	for i, n := range h.buckets {
		if seen += n; seen > rank {
			return min(time.Duration(bucketTop(i)), h.most)
		}
	}
	return h.most
}

// bucketOf keeps the highest bits: the first 128 values have buckets of their own, then there are 128 for each power of two.
func bucketOf(v uint64) int {
	shift := max(0, bits.Len64(v)-bucketBits-1)
	return shift<<bucketBits + int(v>>shift)
}

// bucketTop is the greatest value of a bucket.
func bucketTop(i int) uint64 {
	if i < 2<<bucketBits {
		return uint64(i)
	}
	shift := i>>bucketBits - 1
	low := uint64(i-shift<<bucketBits) << shift
	return low + 1<<shift - 1
}
