package raftstore

import (
	"fmt"
	"testing"

	"github.com/hashicorp/raft"
)

// What the log does by itself, one entry at a time and as many as 64 clients write at the same time.
func BenchmarkLogAlone(b *testing.B) {
	for _, batch := range []int{1, 64} {
		b.Run(fmt.Sprint("batch of ", batch), func(b *testing.B) {
			d, _, err := openDisk(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = d.close() }()
			index := uint64(0)
			for b.Loop() {
				logs := make([]*raft.Log, batch)
				for i := range logs {
					index++
					logs[i] = &raft.Log{Index: index, Data: make([]byte, 80)}
				}
				if err := d.logs.StoreLogs(logs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(index)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
