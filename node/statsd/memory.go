package statsd

import (
	"runtime"
	"slices"
)

// Memory are the figures of Go's memory that NSQ shows, here and in /stats.
type Memory struct {
	HeapObjects       uint64 `json:"heap_objects"`
	HeapIdleBytes     uint64 `json:"heap_idle_bytes"`
	HeapInUseBytes    uint64 `json:"heap_in_use_bytes"`
	HeapReleasedBytes uint64 `json:"heap_released_bytes"`
	GCPauseUsec100    uint64 `json:"gc_pause_usec_100"` // percentiles of the last 256 pauses at most
	GCPauseUsec99     uint64 `json:"gc_pause_usec_99"`
	GCPauseUsec95     uint64 `json:"gc_pause_usec_95"`
	NextGCBytes       uint64 `json:"next_gc_bytes"`
	GCTotalRuns       uint32 `json:"gc_total_runs"`
}

// ReadMemory takes the figures of this process. It stops the world for a moment.
func ReadMemory() Memory {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	pauses := slices.Clone(m.PauseNs[:min(int(m.NumGC), len(m.PauseNs))]) // a ring; its order does not matter here
	slices.Sort(pauses)
	return Memory{
		HeapObjects:       m.HeapObjects,
		HeapIdleBytes:     m.HeapIdle,
		HeapInUseBytes:    m.HeapInuse,
		HeapReleasedBytes: m.HeapReleased,
		GCPauseUsec100:    percentile(100, pauses) / 1000,
		GCPauseUsec99:     percentile(99, pauses) / 1000,
		GCPauseUsec95:     percentile(95, pauses) / 1000,
		NextGCBytes:       m.NextGC,
		GCTotalRuns:       m.NumGC,
	}
}

func percentile(percent float64, sorted []uint64) uint64 {
	if len(sorted) == 0 {
		return 0
	}
	i := int(percent/100*float64(len(sorted)) + 0.5)
	return sorted[min(i, len(sorted)-1)]
}
