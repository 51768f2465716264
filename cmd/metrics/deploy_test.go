package metrics

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDeployedMetrics: alert rules and the dashboard ask for metrics that there are, by labels that they have.
func TestDeployedMetrics(t *testing.T) {
	labels := map[string]map[string]bool{}
	for _, m := range All() {
		labels[m.Name] = map[string]bool{"instance": true, "job": true}
		for _, l := range m.Labels {
			labels[m.Name][l] = true
		}
	}
	name := regexp.MustCompile(`nsqmesh_[a-z_]+`)
	selector := regexp.MustCompile(`(nsqmesh_[a-z_]+)\{([^}]*)\}`)
	label := regexp.MustCompile(`([a-z_]+)[=!]~?"`)
	for file, least := range map[string]int{"prometheus/nsqmesh.rules.yml": 12, "grafana/nsqmesh.json": 20} {
		t.Run(file, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("../../deploy", file))
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(string(b), `\"`, `"`)
			if strings.HasSuffix(file, ".json") && !json.Valid(b) {
				t.Error("is no JSON")
			}
			used := map[string]bool{}
			for _, metric := range name.FindAllString(text, -1) {
				used[metric] = true
				if labels[metric] == nil {
					t.Errorf("there is no metric %s", metric)
				}
			}
			if len(used) < least-4 {
				t.Errorf("only %d metrics are asked for", len(used))
			}
			for _, at := range selector.FindAllStringSubmatch(text, -1) {
				for _, l := range label.FindAllStringSubmatch(at[2], -1) {
					if !labels[at[1]][l[1]] {
						t.Errorf("%s has no label %s", at[1], l[1])
					}
				}
			}
		})
	}
}
