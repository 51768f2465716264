package registry

// noteKey is where a node's document has what another part of the node tells all others: a few bytes that change rarely,
// and that mean nothing here.
const noteKey = "v"

// SetNote replaces this node's note; an empty one is none.
func (r *Registry) SetNote(note []byte) {
	r.mu.Lock()
	defer r.commit()
	if len(note) == 0 {
		r.remove(noteKey)
	} else {
		r.put(noteKey, string(note[:min(len(note), maxValue)]), 0)
	}
}

// Note is what a node has told.
type Note struct {
	Owner, Name string
	Text        string
}

// Notes returns the notes of all nodes that have one, dead ones among them.
func (r *Registry) Notes() (all []Note) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for owner, d := range r.docs {
		if e, ok := d.entries[noteKey]; ok && !e.deleted {
			all = append(all, Note{owner, d.node.Name, e.value})
		}
	}
	return all
}

// NotesChanged receives after notes may have changed; several changes may be one receive.
func (r *Registry) NotesChanged() <-chan struct{} { return r.notes }
