package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

// measureProcesses measures five real processes on loopback, as their clients see them.
func measureProcesses(t *testing.T, table *figureTable) {
	const size = 5
	where := "5 processes"
	nodes := []*process{startNode(t, t.TempDir(), fixedPorts(t)...)}
	for len(nodes) < size {
		nodes = append(nodes, startNode(t, t.TempDir(), append(fixedPorts(t), "--gossip-seed="+nodes[0].addr.Gossip)...))
	}
	waitForNodes(t, size, nodes...)
	time.Sleep(2 * time.Second)

	table.add(t, "new topic in every /lookup", where, "25 / 100 ms", spread(repeat(200, func(i int) time.Duration {
		topic, at := fmt.Sprint("topic", i), nodes[i%size]
		begin := time.Now()
		post(t, at.nsqd("/pub?topic="+topic), "x")
		return everywhere(begin, nodes, func(n *process) bool { return len(n.producers(lookupPath(topic))) == 1 })
	})))
	table.add(t, "new channel in every /lookup", where, "25 / 100 ms", spread(repeat(200, func(i int) time.Duration {
		channel, at := fmt.Sprint("channel", i), nodes[i%size]
		begin := time.Now()
		post(t, at.nsqd("/channel/create?topic="+fmt.Sprint("topic", i)+"&channel="+channel), "")
		return everywhere(begin, nodes, func(n *process) bool {
			return slices.Contains(n.look(lookupPath(fmt.Sprint("topic", i))).Channels, channel)
		})
	})))

	for _, n := range nodes {
		post(t, n.nsqd("/pub?topic=all"), "x")
	}
	gone := func(i int, end func(*process)) time.Duration {
		victim := nodes[1+i%(size-1)] // the first one is everybody's seed
		rest := slices.DeleteFunc(slices.Clone(nodes), func(n *process) bool { return n == victim })
		everywhere(time.Now(), nodes, func(n *process) bool { return n.names("all", nodes...) })
		time.Sleep(1500 * time.Millisecond)
		begin := time.Now()
		end(victim)
		return everywhere(begin, rest, func(n *process) bool { return n.names("all", rest...) })
	}
	again := func(i int) {
		victim := nodes[1+i%(size-1)]
		victim.await()
		victim.start()
	}
	table.add(t, "stopped (SIGTERM): gone from every /lookup", where, "50 / 150 ms", spread(repeat(20, func(i int) time.Duration {
		took := gone(i, func(p *process) { p.signal(syscall.SIGTERM) })
		again(i)
		return took
	})))
	table.add(t, "killed: gone from every /lookup", where, "100 / 300 ms", spread(repeat(20, func(i int) time.Duration {
		took := gone(i, func(p *process) { p.signal(syscall.SIGKILL) })
		again(i)
		return took
	})))
	table.add(t, "hanging (SIGSTOP): gone from every /lookup", where, "1.5 / 2.5 s", spread(repeat(10, func(i int) time.Duration {
		took := gone(i, func(p *process) { p.signal(syscall.SIGSTOP) })
		nodes[1+i%(size-1)].signal(syscall.SIGCONT)
		return took
	})))
	measureRestart(t, table, nodes)
}

// measureRestart has one node own many topics and another one come back to learn of them.
func measureRestart(t *testing.T, table *figureTable, nodes []*process) {
	const topics, channels = 10_000, 3
	var work sync.WaitGroup
	for w := range 8 {
		work.Go(func() {
			for i := w; i < topics; i += 8 {
				post(t, nodes[0].nsqd(fmt.Sprintf("/topic/create?topic=some.topic.of.some.team.%05d", i)), "")
				for c := range channels {
					post(t, nodes[0].nsqd(fmt.Sprintf("/channel/create?topic=some.topic.of.some.team.%05d&channel=channel%d", i, c)), "")
				}
			}
		})
	}
	work.Wait()
	full := func(n *process) bool { return n.entries(nodes[0]) >= topics*(1+channels) }
	everywhere(time.Now(), nodes, full)
	back := nodes[4]
	var took []time.Duration
	var read uint64
	for range 5 {
		time.Sleep(3 * time.Second)
		back.signal(syscall.SIGKILL)
		back.await()
		begin := time.Now()
		_ = os.Remove(back.dir + "/" + addressFile)
		back.launch(nil)
		waitFor(t, "the node to listen", func() bool { // not for its file, which comes last
			status, _ := ask("GET", back.lookupd("/ping"), nil)
			return status == 200
		})
		took = append(took, everywhere(begin, []*process{back}, full))
		read = max(read, back.bytesRead())
	}
	table.add(t, "restarted: the whole registry, 10,000 topics x 3 channels", "5 processes", "1 s, 10 MB",
		fmt.Sprintf("%s, %.1f MB read", spread(took), float64(read)/1e6))
}

// entries is how much of another node's registry a node has.
func (p *process) entries(of *process) int {
	var report cluster.Report
	status, answer := ask("GET", p.lookupd("/mesh"), nil)
	if status != 200 || json.Unmarshal([]byte(answer), &report) != nil {
		return 0
	}
	for _, m := range report.Members {
		if fmt.Sprintf("%s:%d", m.BroadcastAddress, m.TCPPort) == of.addr.TCP {
			return m.Entries
		}
	}
	return 0
}

// bytesRead are all that the process has read, from files as well.
func (p *process) bytesRead() uint64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	n, _ := strconv.ParseUint(strings.TrimPrefix(string(line), "rchar: "), 10, 64)
	return n
}

func repeat(n int, measure func(i int) time.Duration) (all []time.Duration) {
	for i := range n {
		all = append(all, measure(i))
	}
	return all
}

// everywhere waits until it is so on all nodes, each looked at for itself, and returns how long that took.
func everywhere(begin time.Time, nodes []*process, so func(*process) bool) time.Duration {
	took := make([]time.Duration, len(nodes))
	var work sync.WaitGroup
	for i, n := range nodes {
		work.Go(func() {
			for !so(n) && time.Since(begin) < patience {
				time.Sleep(time.Millisecond)
			}
			took[i] = time.Since(begin)
		})
	}
	work.Wait()
	return slices.Max(took)
}
