//go:build unix

package registry

import (
	"bytes"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// fullCatalog has 100,000 topics with two channels each.
func fullCatalog(tb testing.TB) *Registry {
	r := New(Options{ID: fmt.Sprintf("%032x", 1), Generation: 1}, nil)
	var cmds [][]byte
	for i := range 100_000 {
		topic := fmt.Sprintf("orders.region-%d.kind-%d", i%100, i)
		cmds = append(cmds, r.Proposal(Create, topic, "", false), r.Proposal(Create, topic, "archive", false), r.Proposal(Create, topic, "billing", false))
	}
	entries := map[string]string{}
	for _, cmd := range cmds {
		k, v, err := decodeProposal(cmd)
		if err != nil {
			tb.Fatal(err)
		}
		entries[k] = v.encode(agreedOwner)
	}
	r.Agreed().replace(uint64(len(cmds)), r.nextStamp(), entries, nil)
	return r
}

func BenchmarkCatalogOf100000Topics(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := fullCatalog(b)
	runtime.GC()
	runtime.ReadMemStats(&after)
	heap := float64(after.HeapAlloc-before.HeapAlloc) / 1e6
	var image bytes.Buffer
	b.Run("snapshot", func(b *testing.B) {
		begin := cpuTime()
		for b.Loop() {
			image.Reset()
			if err := r.Agreed().Snapshot()(&image); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((cpuTime()-begin).Milliseconds())/float64(b.N), "cpu-ms/op")
		b.ReportMetric(heap, "heap-MB")
		b.ReportMetric(float64(image.Len())/1e6, "image-MB")
	})
	b.Run("restore", func(b *testing.B) {
		begin := cpuTime()
		for b.Loop() {
			fresh := New(Options{ID: fmt.Sprintf("%032x", 2), Generation: 1}, nil)
			if err := fresh.Agreed().Restore(bytes.NewReader(image.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((cpuTime()-begin).Milliseconds())/float64(b.N), "cpu-ms/op")
	})
}

// cpuTime is what this process has used, which other processes of a busy machine do not change much.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
