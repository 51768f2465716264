// Package raftstore keeps one Machine the same on all nodes of a mesh: a few of them (the candidates) agree by raft on the
// order of commands, all others follow what was agreed. It knows nothing about what a command means.
//
// A candidate has a folder with raft's log and snapshots and a server id that was made with it: a wiped disk is another
// server. The address of a server is its id; which node it lives on is asked of the mesh when it is dialled, so that new
// IP addresses change nothing. The candidates form a group by themselves (bootstrap.go), and its leader compares voters with
// the nodes that are there (reconcile.go). Whoever is not in the group, candidate or not, reads the agreed commands from
// one that is (follow.go): the same commands in the same order go into the same machine, which is why there is no other
// form of the state to merge. Any node takes a write (write.go) and answers when its own machine has it.
//
// replica.mu guards the machine's position and is held while the machine applies a command; Store.mu guards what the
// loops remember. Neither is held while the other is taken, nor while anything blocks on the network. The package never
// reads a wall clock to decide anything, and never lets a machine see what is not committed.
package raftstore
