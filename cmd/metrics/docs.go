package metrics

import (
	"fmt"
	"io"
	"strings"
)

// chapters are the tables in the order of docs/metrics.md.
func chapters() []chapter {
	return []chapter{
		{"Topics", topicMetrics.list()},
		{"Channels", channelMetrics.list()},
		{"The node", append(append(queuesMetrics.list(), nodeMetrics.list()...), buildMetrics.list()...)},
		{"The registry", registryMetrics.list()},
		{"The mesh", meshMetrics.list()},
	}
}

type chapter struct {
	title   string
	metrics []Metric
}

// All are all metrics, in the order in which they are documented.
func All() (all []Metric) {
	for _, c := range chapters() {
		all = append(all, c.metrics...)
	}
	return all
}

// Docs writes docs/metrics.md.
func Docs(w io.Writer) {
	fmt.Fprint(w, docsIntro)
	for _, c := range chapters() {
		fmt.Fprintf(w, "\n## %s\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n", c.title)
		for _, m := range c.metrics {
			fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", m.Name, m.kind(), strings.Join(m.Labels, ", "), m.Help)
		}
	}
}

func (m *Metric) kind() string {
	if m.Counter {
		return "counter"
	}
	return "gauge"
}

const docsIntro = `# Metrics and health

<!-- Written from the tables in cmd/metrics by: go test ./cmd/metrics -write -->

Every node answers Prometheus at ` + "`/metrics`" + ` on its nsqd HTTP port. Figures are read when they are asked for; between two
scrapes metrics cost nothing, and no message costs more for them.

` + "```sh" + `
curl 'http://127.0.0.1:4151/metrics'
` + "```" + `

To scrape three nodes, in ` + "`prometheus.yml`" + `:

    scrape_configs:
      - job_name: nsqmesh
        static_configs:
          - targets: ["10.0.0.1:4151", "10.0.0.2:4151", "10.0.0.3:4151"]

[deploy/prometheus](../deploy/prometheus) has alert rules and [deploy/grafana](../deploy/grafana) a dashboard for these metrics.

- Each topic has 6 series, each channel 9. ` + "`--metrics-max-queues`" + ` (2000) says how many topics and channels are shown one by one,
  in the order of their names; ` + "`nsqmesh_metrics_left_out`" + ` counts the others. The node's own figures are always of all of them.
- ` + "`--metrics-exclude-ephemeral`" + ` leaves out ephemeral topics and channels, whose names come and go.
- Every node tells of its own messages. Those of the whole mesh are sums: ` + "`sum by (topic, channel) (nsqmesh_channel_depth_messages)`" + `.
- Counters start from zero with the process, and with a topic or channel that is made anew.
- Go's runtime and the process come with the usual ` + "`go_...` and `process_...`" + ` metrics.

statsd goes on working as with a stock nsqd (` + "`--statsd-address`" + `).

## Health

| path | status | for |
|---|---|---|
| ` + "`/ping`" + ` | 200 ` + "`OK`" + `, 500 when the last write to the disk failed | what asked a stock nsqd |
| ` + "`/health/live`" + ` | 200 as long as the process answers | restart it otherwise |
| ` + "`/health/ready`" + ` | 200, or 503 with the reasons | send it messages, go on with a rolling restart |

` + "```sh" + `
curl 'http://127.0.0.1:4151/health/live'
curl 'http://127.0.0.1:4151/health/ready'
nsqmesh health
` + "```" + `

    {"status":"not ready","reasons":["the disk: open /data/nsqmesh.probe: read-only file system"]}

A node is ready when it has started, has heard from its mesh (for three seconds at the most), can write to its data folder, and
neither stops nor is being drained. ` + "`nsqmesh health`" + ` asks the same and ends with 0 or 1, for containers without curl. With
` + "`--tls-required`" + ` for HTTP, too, the plain port answers neither: ask the HTTPS port.
`
