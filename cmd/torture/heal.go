package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// awaitEqual waits until all nodes tell the same of topics, channels and producers, and all nodes are told of. It says in
// what they differ if they do not come to that.
func (t *torture) awaitEqual(ctx context.Context) (equal bool, differ string) {
	for end := time.Now().Add(t.cfg.equal); time.Now().Before(end) && ctx.Err() == nil; sleep(ctx, 100*time.Millisecond) {
		if differ = t.differ(ctx); differ == "" {
			return true, ""
		}
	}
	return false, differ
}

func (t *torture) differ(ctx context.Context) string {
	nodes := t.members()
	views := make([][]string, len(nodes))
	var work sync.WaitGroup
	for i, n := range nodes {
		work.Go(func() { views[i] = n.view(ctx) })
	}
	work.Wait()
	for i, v := range views {
		if a, b := firstDifference(views[0], v); a != b {
			return fmt.Sprintf("%v says %q, %v says %q", nodes[0], a, nodes[i], b)
		}
	}
	if known := strings.Count(views[0][0], ":"); known != len(nodes) {
		return fmt.Sprintf("%d of %d nodes are known: %s", known, len(nodes), views[0][0])
	}
	return ""
}

func firstDifference(a, b []string) (string, string) {
	for i := range max(len(a), len(b)) {
		x, y := "", ""
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return x, y
		}
	}
	return "", ""
}

// lookupAnswer is of all endpoints of the lookup side alike.
type lookupAnswer struct {
	Topics    []string
	Channels  []string
	Producers []struct {
		BroadcastAddress string `json:"broadcast_address"`
		TCPPort          int    `json:"tcp_port"`
	}
}

func (a lookupAnswer) String() string {
	var producers []string
	for _, p := range a.Producers {
		producers = append(producers, fmt.Sprintf("%s:%d", p.BroadcastAddress, p.TCPPort))
	}
	slices.Sort(producers)
	slices.Sort(a.Channels)
	return strings.Join(producers, " ") + " / " + strings.Join(a.Channels, " ")
}

// view is what a node tells: first of the nodes, then of every topic.
func (n *node) view(ctx context.Context) []string {
	var nodes, topics lookupAnswer
	if err := get(ctx, "http://"+n.lookup+"/nodes", &nodes); err != nil {
		return []string{err.Error()}
	}
	if err := get(ctx, "http://"+n.lookup+"/topics", &topics); err != nil {
		return []string{err.Error()}
	}
	slices.Sort(topics.Topics)
	view := []string{nodes.String()}
	for _, topic := range topics.Topics {
		var one, channels lookupAnswer
		err := get(ctx, "http://"+n.lookup+"/lookup?topic="+url.QueryEscape(topic), &one)
		if err == nil {
			err = get(ctx, "http://"+n.lookup+"/channels?topic="+url.QueryEscape(topic), &channels)
		}
		view = append(view, fmt.Sprintf("%s: %v, %v, %v", topic, one, channels.Channels, err))
	}
	return view
}

// drain has the consumers behave and waits until nothing waits any more. It returns what is left if that does not come.
func (t *torture) drain(ctx context.Context) (left int) {
	t.calm.Store(true)
	empty := 0
	for end := time.Now().Add(drainPatience); time.Now().Before(end) && ctx.Err() == nil; sleep(ctx, 100*time.Millisecond) {
		left = 0
		for _, n := range t.members() {
			left += n.waiting(ctx)
		}
		if left > 0 {
			empty = 0
		} else if empty++; empty == 3 {
			return 0
		}
	}
	return left
}

// waiting is how many messages a node has, counted for each channel; 1 if it does not say.
func (n *node) waiting(ctx context.Context) (all int) {
	var stats struct {
		Topics []struct {
			Depth    int
			Channels []struct {
				Depth    int
				InFlight int `json:"in_flight_count"`
				Deferred int `json:"deferred_count"`
			}
		}
	}
	if err := get(ctx, "http://"+n.http+"/stats?format=json&include_clients=false", &stats); err != nil {
		return 1
	}
	for _, topic := range stats.Topics {
		all += topic.Depth
		for _, c := range topic.Channels {
			all += c.Depth + c.InFlight + c.Deferred
		}
	}
	return all
}
