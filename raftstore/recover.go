package raftstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
)

// recoveredBase is added to all later indexes: what a lost majority had committed beyond this server's log had indexes, too.
const recoveredBase = 1 << 20

// Recovered says what a recovery made.
type Recovered struct {
	Server     string
	Cluster    string
	Generation uint64
	Index      uint64
}

// ErrNothingToRecover says that a folder holds no state of a group.
var ErrNothingToRecover = errors.New("the raft folder holds no group")

// Recover makes the server of a folder the only one of its group, for when the majority is lost for good. What only the
// lost ones knew is lost. The node must not run; the machine is thrown away afterwards. All other servers of the group
// have to remove their folders.
func Recover(dir, cache string, m Machine) (Recovered, error) {
	if _, err := os.Stat(filepath.Join(dir, fileLog)); err != nil {
		return Recovered{}, fmt.Errorf("%w: %w", ErrNothingToRecover, err)
	}
	d, server, err := openDisk(dir)
	if err != nil {
		return Recovered{}, err
	}
	result, err := recoverDisk(d, server, m)
	if err == nil && cache != "" {
		if err = os.Remove(cache); errors.Is(err, os.ErrNotExist) { // the snapshot has it all, and the cache may have more
			err = nil
		}
	}
	return result, errors.Join(err, d.close())
}

func recoverDisk(d disk, server string, m Machine) (Recovered, error) {
	r, err := newReplica(m)
	if err != nil {
		return Recovered{}, err
	}
	if had, err := raft.HasExistingState(d.logs, d.stable, d.snaps); err != nil || !had {
		return Recovered{}, errors.Join(ErrNothingToRecover, err)
	}
	machine := fsm{replica: r, rewrite: func(p position) position {
		p.Generation++
		p.Base += recoveredBase
		return p
	}}
	c := raft.DefaultConfig()
	c.LocalID, c.Logger = raft.ServerID(server), newRaftLog(discard)
	_, transport := raft.NewInmemTransport(raft.ServerAddress(server))
	alone := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(server), Address: raft.ServerAddress(server)}}}
	if err := raft.RecoverCluster(c, machine, d.logs, d.stable, d.snaps, transport, alone); err != nil {
		return Recovered{}, fmt.Errorf("recover the raft group: %w", err)
	}
	at := r.position()
	return Recovered{server, at.Cluster, at.Generation, at.At}, nil
}
