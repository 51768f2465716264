package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// benchResult is what --output=json prints and --compare reads.
type benchResult struct {
	Scenario    string             `json:"scenario"`
	Server      string             `json:"server"`
	Interrupted bool               `json:"interrupted"`
	Settings    map[string]int     `json:"settings"`
	Figures     map[string]float64 `json:"figures"`
}

func newBenchResult(scenario string) *benchResult {
	return &benchResult{Scenario: scenario, Settings: map[string]int{}, Figures: map[string]float64{}}
}

// figure is something that can be measured. Its name, which has the unit in it, is the key in JSON.
type figure struct {
	name, label string
	lower       bool // is better
	compare     bool // it says something about the server
}

// figures are in the order of reports. What a scenario sets and is not here panics in the tests of all scenarios.
var figures = []figure{
	{"messages", "messages", false, false},
	{"sent_messages", "sent messages", false, false},
	{"connections", "connections", false, false},
	{"seconds", "seconds", false, false},
	{"messages_per_second", "messages/s", false, true},
	{"server_cpu_us_per_message", "server CPU us/message", true, true},
	{"server_cpu_seconds", "server CPU seconds", true, false},
	{"latency_p50_us", "p50 latency us", true, true},
	{"latency_p99_us", "p99 latency us", true, true},
	{"latency_p999_us", "p99.9 latency us", true, true},
	{"latency_max_us", "max latency us", true, true},
	{"kb_per_connection", "KB/connection", true, true},
	{"idle_cpu_percent", "idle CPU percent", true, true},
	{"lookup_requests", "/lookup requests", false, false},
	{"lookup_requests_per_second", "/lookup requests/s", false, true},
	{"lookup_requests_per_server_cpu_second", "/lookup requests/server CPU s", false, true},
	{"topics_requests", "/topics requests", false, false},
	{"topics_requests_per_second", "/topics requests/s", false, true},
	{"topics_requests_per_server_cpu_second", "/topics requests/server CPU s", false, true},
	{"nodes_requests", "/nodes requests", false, false},
	{"nodes_requests_per_second", "/nodes requests/s", false, true},
	{"nodes_requests_per_server_cpu_second", "/nodes requests/server CPU s", false, true},
	{"server_rss_mb", "server memory MB", true, true},
}

func (r *benchResult) setting(name string, n int) { r.Settings[name] = n }

// set notes a figure, rounded to what can be meant.
func (r *benchResult) set(name string, v float64) {
	if !slices.ContainsFunc(figures, func(f figure) bool { return f.name == name }) {
		panic("a figure that no report knows: " + name)
	}
	digits := 3
	if v < 1 {
		digits = 6
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'f', digits, 64), 64)
	r.Figures[name] = rounded
}

func (r *benchResult) print(std cli.Stdio, json bool) error {
	if json {
		return cli.PrintJSON(std.Out, r)
	}
	r.printText(std.Out)
	return nil
}

func (r *benchResult) printText(w io.Writer) {
	fmt.Fprintf(w, "%s  %s  %s\n", r.Scenario, r.Server, r.settingsLine())
	for _, f := range figures {
		if v, ok := r.Figures[f.name]; ok {
			fmt.Fprintf(w, "  %14s  %s\n", readable(v), f.label)
		}
	}
	if r.Interrupted {
		fmt.Fprintln(w, "  interrupted: these are the figures up to then")
	}
}

func (r *benchResult) settingsLine() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		parts = append(parts, fmt.Sprintf("%s=%d", name, r.Settings[name]))
	}
	return strings.Join(parts, " ")
}

// readable has about four digits that count.
func readable(v float64) string {
	switch {
	case v >= 1000 || v == float64(int64(v)):
		return cli.Grouped(int64(v + .5))
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
