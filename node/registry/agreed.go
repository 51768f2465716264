package registry

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Where a mesh has an authority, intents stand in one more document, that of nobody: all nodes that the authority has told
// the same have the same one. It is not replicated like the others, and weighed with them: an intent counts if no later one
// says otherwise, whoever wrote it. So nothing has to be carried over when a mesh gets an authority or does without again.

// agreedOwner owns that document. No node has this id.
const agreedOwner = "ffffffffffffffffffffffffffffffff"

// maxAgreedDeletes bounds how many deletes are remembered; beyond it the oldest are forgotten.
const maxAgreedDeletes = 100_000

const agreedVersion = 1

var (
	errCommand = errors.New("command cannot be read")
	errAgreed  = errors.New("agreed intents cannot be read")
)

// Agreed is the machine that an authority feeds: the same commands in the same order make the same intents.
type Agreed struct{ r *Registry }

// Agreed returns the machine of this registry.
func (r *Registry) Agreed() Agreed { return Agreed{r} }

// Proposal is a command by which the authority makes an intent. It is newer than all that this node has heard.
func (r *Registry) Proposal(kind IntentKind, topic, channel string, paused bool) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return encodeProposal(key(byte(kind), topic, channel), stamped{paused: paused, stamp: r.nextStamp()})
}

func encodeProposal(k string, v stamped) []byte {
	return appendText(appendText([]byte{agreedVersion}, k), v.encode(agreedOwner))
}

// Apply takes a command. One that cannot be read changes nothing, on any node.
func (a Agreed) Apply(index uint64, cmd []byte) []byte {
	k, v, err := decodeProposal(cmd)
	r := a.r
	r.mu.Lock()
	defer r.commit()
	d := r.agreed
	d.version = max(d.version, index)
	if err != nil {
		return nil
	}
	s, _ := parseKey(k)
	if old, had := d.entries[k]; had && s.kind == kindCreate && !old.deleted {
		return nil // it stands since then
	}
	v.stamp = later(v.stamp, Stamp{r.agreedAt.Counter + 1, v.stamp.Node}) // what is committed later is later
	r.agreedAt = v.stamp
	if s.kind == kindDelete {
		a.forgetCovered(s)
		if s.channel == "" {
			r.deletedAt[s.topic] = r.now()
		}
	}
	a.set(k, v)
	a.pruneDeletes()
	return nil
}

func decodeProposal(cmd []byte) (k string, v stamped, err error) {
	r := reader{b: cmd}
	version := r.octet()
	k = r.text(maxKey)
	v = decodeStamped(r.text(maxValue), agreedOwner)
	s, ok := parseKey(k)
	if version != agreedVersion || r.bad || !ok || !s.intent() && s.kind != kindPolicy || !validID(v.stamp.Node) || v.stamp.Counter >= maxNumber {
		return k, v, errCommand
	}
	return k, v, nil
}

// set writes an entry; r.mu is held.
func (a Agreed) set(k string, v stamped) {
	e := entry{value: v.encode(agreedOwner)}
	a.r.agreed.entries[k] = e
	a.r.index(a.r.agreed, k, e)
	if s, _ := parseKey(k); s.kind == kindDelete {
		a.r.agreedDeletes = append(a.r.agreedDeletes, agreedDelete{k, v.stamp})
	}
}

func (a Agreed) drop(k string) {
	if _, had := a.r.agreed.entries[k]; had {
		delete(a.r.agreed.entries, k)
		a.r.index(a.r.agreed, k, entry{deleted: true})
	}
}

// forgetCovered drops what a delete makes meaningless. The keys of a topic's channels are found by the topic's facts.
func (a Agreed) forgetCovered(s subject) {
	t := a.r.topics[s.topic]
	if t == nil {
		return
	}
	for at := range maps.Clone(t.facts) {
		if at.doc != a.r.agreed {
			continue
		}
		of, _ := parseKey(at.key)
		if s.channel == "" && (of.kind != kindDelete || of.channel != "") || of.channel == s.channel && of.kind != kindDelete {
			a.drop(at.key)
		}
	}
}

// agreedDelete is a delete in the order in which they were agreed on.
type agreedDelete struct {
	key   string
	stamp Stamp
}

func (a Agreed) pruneDeletes() {
	list := a.r.agreedDeletes
	for len(list) > maxAgreedDeletes {
		if e, ok := a.r.agreed.entries[list[0].key]; ok && decodeStamped(e.value, agreedOwner).stamp == list[0].stamp {
			a.drop(list[0].key)
		}
		list = list[1:]
	}
	a.r.agreedDeletes = list
}

// Snapshot copies the intents and returns what writes them.
func (a Agreed) Snapshot() func(io.Writer) error {
	a.r.mu.Lock()
	defer a.r.mu.Unlock()
	entries, at, version := maps.Clone(a.r.agreed.entries), a.r.agreedAt, a.r.agreed.version
	deletes := slices.Clone(a.r.agreedDeletes)
	return func(w io.Writer) error { return writeAgreed(w, version, at, entries, deletes) }
}

func writeAgreed(w io.Writer, version uint64, at Stamp, entries map[string]entry, deletes []agreedDelete) error {
	out := bufio.NewWriter(w)
	b := binary.AppendUvarint([]byte{agreedVersion}, version)
	b = appendText(b, stamped{stamp: at}.encode(agreedOwner))
	b = binary.AppendUvarint(b, uint64(len(entries)))
	_, _ = out.Write(b)
	for _, k := range slices.Sorted(maps.Keys(entries)) {
		_, _ = out.Write(appendText(appendText(b[:0], k), entries[k].value))
	}
	_, _ = out.Write(binary.AppendUvarint(b[:0], uint64(len(deletes))))
	for _, d := range deletes {
		_, _ = out.Write(appendText(appendText(b[:0], d.key), stamped{stamp: d.stamp}.encode(agreedOwner)))
	}
	return out.Flush()
}

// Restore replaces the intents.
func (a Agreed) Restore(from io.Reader) error {
	b, err := io.ReadAll(from)
	if err != nil {
		return fmt.Errorf("read agreed intents: %w", err)
	}
	in := reader{b: b}
	if in.octet() != agreedVersion {
		return errAgreed
	}
	version := in.number()
	at := decodeStamped(in.text(maxValue), agreedOwner).stamp
	entries := map[string]string{}
	for n := in.number(); n > 0 && !in.bad; n-- {
		k := strings.Clone(in.text(maxKey))
		entries[k] = strings.Clone(in.text(maxValue))
	}
	var deletes []agreedDelete
	for n := in.number(); n > 0 && !in.bad; n-- {
		k := strings.Clone(in.text(maxKey))
		deletes = append(deletes, agreedDelete{k, decodeStamped(in.text(maxValue), agreedOwner).stamp})
	}
	if in.bad || len(in.b) > 0 || len(deletes) > maxAgreedDeletes {
		return errAgreed
	}
	a.replace(version, at, entries, deletes)
	return nil
}

func (a Agreed) replace(version uint64, at Stamp, entries map[string]string, deletes []agreedDelete) {
	r := a.r
	r.mu.Lock()
	defer r.commit()
	for k := range r.agreed.entries {
		if _, stays := entries[k]; !stays {
			a.drop(k)
		}
	}
	for k, value := range entries {
		if old, had := r.agreed.entries[k]; !had || old.value != value {
			e := entry{value: value}
			r.agreed.entries[k] = e
			r.index(r.agreed, k, e)
		}
	}
	r.agreed.version, r.agreedAt, r.agreedDeletes = version, at, deletes
	r.observe(at)
}
