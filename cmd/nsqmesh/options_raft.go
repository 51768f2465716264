package main

// The rows of the authority that a mesh may have. Without the first of them a node takes no part in raft, and obeys it where
// others do.

func raftOptions() []option {
	return []option{
		{name: "raft-bootstrap-expect", kind: "voters", def: "0", stands: "no candidate", check: checkVoters, ours: true,
			at:   func(o *Options) any { return &o.RaftExpect },
			help: "this node may vote on deletes, pauses and creates, in a group of 1, 3, 5 or 7 that forms once so many are there"},
		{name: "raft-spares", kind: "nodes", def: "2", check: checkNotNegative, ours: true,
			at:   func(o *Options) any { return &o.RaftSpares },
			help: "candidates beyond the voters that stand by with a copy"},
		{name: "raft-dead-voter-grace", def: "10m0s", check: checkPositive, ours: true,
			at:   func(o *Options) any { return &o.RaftGrace },
			help: "a voter that is away for longer loses its seat to a spare; longer than any restart"},
		{name: "raft-timeout", def: "1s", check: checkRaftTimeout, ours: true,
			at:   func(o *Options) any { return &o.RaftTimeout },
			help: "a leader that is silent for so long is replaced; longer where disks are slow, the same on all candidates"},
	}
}
