package queue

import (
	"strings"
	"testing"
)

// benchmarkDisk reports what one message of a batch costs.
func benchmarkDisk(b *testing.B, turn func(d *disk, batch []Message)) {
	o := testOptions(b)
	o.SyncEvery = 2500
	d := newDisk("bench", o, &health{}, nil)
	b.Cleanup(func() { d.remove() })
	batch := numbered(1, benchBatch)
	for i := range batch {
		batch[i].Body = strings.Repeat("x", 200)
	}
	b.ReportAllocs()
	for b.Loop() {
		turn(d, batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchBatch, "ns/message")
}

func putOrFail(b testing.TB, d *disk, batch []Message) {
	if err := d.put(batch); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkDiskPut(b *testing.B) {
	benchmarkDisk(b, func(d *disk, batch []Message) { putOrFail(b, d, batch) })
}

func BenchmarkDiskPutAndTake(b *testing.B) {
	into := make([]Message, 0, benchBatch)
	benchmarkDisk(b, func(d *disk, batch []Message) {
		putOrFail(b, d, batch)
		if got, err := d.take(into, benchBatch); err != nil || len(got) != benchBatch {
			b.Fatal(len(got), err)
		}
	})
}
