package httpapi

import (
	"errors"
	"testing"
	"time"
)

// sick is a broker whose disk is full.
type sick struct{ Queues }

func (sick) Health() error { return errors.New("disk full") }

func TestPing(t *testing.T) {
	exchange{"GET", "/ping", "", 200, "OK", bare}.run(t, newTestNode(t).api)
	n := newTestNode(t, func(o *NsqdOptions) { o.Queues = sick{o.Queues} })
	exchange{"GET", "/ping", "", 500, "NOK - disk full", bare}.run(t, n.api)
}

func TestInfo(t *testing.T) {
	n := newTestNode(t, func(o *NsqdOptions) {
		o.Info = Info{
			Version: "1.2.3", BroadcastAddress: "198.51.100.7", Hostname: "h", HTTPPort: 4151, TCPPort: -1,
			StartTime: time.Unix(1700000000, 5), Zone: "z", Region: "r", MaxHeartbeatInterval: time.Minute,
			MaxOutputBufferSize: 65536, MaxOutputBufferTimeout: 30 * time.Second, MaxDeflateLevel: 6,
		}
	})
	exchange{"GET", "/info", "", 200, `{"version":"1.2.3","broadcast_address":"198.51.100.7","hostname":"h",` +
		`"http_port":4151,"tcp_port":-1,"start_time":1700000000,"max_heartbeat_interval":60000000000,` +
		`"max_output_buffer_size":65536,"max_output_buffer_timeout":30000000000,"max_deflate_level":6,` +
		`"topology_zone":"z","topology_region":"r"}`, v1JSON}.run(t, n.api)
}

func TestRemovedPaths(t *testing.T) {
	for _, path := range []string{"/put?topic=t", "/mput?topic=t", "/create_topic?topic=t", "/pause_channel?topic=t&channel=c", "/debug/pprof/mutex"} {
		exchange{"POST", path, "x", 404, failure("NOT_FOUND"), v1JSON}.run(t, newTestNode(t).api)
	}
}
