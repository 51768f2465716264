package gossip

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// saveMembers keeps the file of last known members, from which a node that comes back finds the others even if its
// seeds are gone. It is written when it would change.
func (m *Mesh) saveMembers() {
	if m.cfg.MembersFile == "" {
		return
	}
	var b strings.Builder
	for _, o := range m.table.members() {
		if o.Status != Left {
			fmt.Fprintf(&b, "%s # %s %s\n", o.Addr, o.Name, o.ID)
		}
	}
	text := b.String()
	if text == m.savedMembers || text == "" { // nobody known is no reason to forget those who were
		return
	}
	if err := writeAtomically(m.cfg.MembersFile, []byte(text)); err != nil {
		m.complain("members not saved", "", m.cfg.MembersFile, err)
		return
	}
	m.savedMembers = text
}

func writeAtomically(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("create file of members: %w", err)
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write file of members: %w", err)
	}
	return nil
}
