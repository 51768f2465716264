package httpapi

import (
	"net/http"
	"runtime/metrics"
	"time"

	"github.com/julienschmidt/httprouter"
)

// Vitals is how the process and its disk are.
type Vitals struct {
	Product     string `json:"product"` // nsqmesh's own version
	Connections int    `json:"connections"`
	DiskFree    int64  `json:"disk_free"` // bytes; -1 if not known
	DiskTotal   int64  `json:"disk_total"`
	History     int64  `json:"history_bytes"`
}

// vitals is quiet and cheap, for those who watch: no profile of memory that stops the world.
func (a *nsqdAPI) vitals(*http.Request, httprouter.Params) (any, error) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/sched/goroutines:goroutines"},
	}
	metrics.Read(samples)
	return struct {
		Vitals
		StartTime   int64  `json:"start_time"`
		UptimeMs    int64  `json:"uptime_ms"`
		HeapBytes   uint64 `json:"heap_bytes"`
		SystemBytes uint64 `json:"system_bytes"`
		Goroutines  uint64 `json:"goroutines"`
	}{
		a.Vitals(), a.Info.StartTime.Unix(), time.Since(a.Info.StartTime).Milliseconds(),
		samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64(),
	}, nil
}
