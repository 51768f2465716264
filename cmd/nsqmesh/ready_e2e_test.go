package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// A node says whether it should get messages, and why not; the command says the same.
func TestReady(t *testing.T) {
	node := startNode(t, t.TempDir())
	if status, answer := ask(http.MethodGet, node.nsqd("/health/ready"), nil); status != 200 || !strings.Contains(answer, `"ready"`) {
		t.Errorf("got %d %s", status, answer)
	}
	address := "--nsqd-http-address=" + node.addr.HTTP
	if status, out, errOut := useTool(t, node, "", "health", address, "--wait=20s"); status != cli.ExitOK || out != "ready\n" {
		t.Errorf("ended with %d: %s %s", status, out, errOut)
	}
	probe := filepath.Join(node.dir, "nsqmesh.probe")
	if _, err := os.Stat(probe); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the probe is left: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(probe, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a node that cannot write", func() bool {
		status, _ := ask(http.MethodGet, node.nsqd("/health/ready"), nil)
		return status == http.StatusServiceUnavailable
	})
	status, _, errOut := useTool(t, node, "", "health", address)
	if status != cli.ExitFault || !strings.Contains(errOut, "503 the disk: ") || !strings.Contains(errOut, "is a directory") {
		t.Errorf("ended with %d: %s", status, errOut)
	}
	if status, out, errOut := useTool(t, node, "", "health", address, "--live"); status != cli.ExitOK || out != "live\n" {
		t.Errorf("ended with %d: %s %s", status, out, errOut)
	}
	if status, answer := ask(http.MethodGet, node.nsqd("/metrics"), nil); !strings.Contains(answer, "\nnsqmesh_ready 0\n") {
		t.Errorf("metrics do not say so: %d %.200s", status, answer)
	}
}

// What a node does shows in its metrics, and what all nodes are in those of each.
func TestMetricsOfAMesh(t *testing.T) {
	first := startNode(t, t.TempDir(), "--node-name=first")
	second := startNode(t, t.TempDir(), "--gossip-seed="+first.addr.Gossip, "--metrics-max-queues=2")
	post(t, second.nsqd("/topic/create?topic=orders"), "")
	post(t, second.nsqd("/channel/create?topic=orders&channel=billing"), "")
	for range 3 {
		post(t, second.nsqd("/pub?topic=orders"), "12345")
	}
	post(t, second.nsqd("/pub?topic=refunds"), "x")
	all := []string{
		`nsqmesh_topic_messages_total{topic="orders"} 3`, `nsqmesh_topic_message_bytes_total{topic="orders"} 15`,
		`nsqmesh_channel_depth_messages{channel="billing",topic="orders"} 3`, `nsqmesh_metrics_left_out{kind="topic"} 1`,
		"nsqmesh_depth_messages 4", "nsqmesh_ready 1", "nsqmesh_healthy 1", `nsqmesh_mesh_members{status="alive"} 2`,
		"nsqmesh_mesh_links 1", "nsqmesh_registry_documents 2", "go_goroutines ",
	}
	var missing string
	waitFor(t, "all metrics", func() bool {
		_, answer := ask(http.MethodGet, second.nsqd("/metrics"), nil)
		for _, missing = range all {
			if !strings.Contains(answer, "\n"+missing) {
				t.Logf("not yet: %s", missing)
				return false
			}
		}
		return true
	})
}
