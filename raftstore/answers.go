package raftstore

import (
	"encoding/binary"
	"errors"
	"io"
)

// keptAnswers is how many commands are recognised when they come again. A command is sent again for some seconds only.
const keptAnswers = 4096

// answers remembers what the last commands were answered. A node that lost its leader in the middle of a command sends it
// again; without this memory a delete that was done could be done again, to what was created in between.
type answers struct {
	known map[request][]byte
	order []request
}

func newAnswers() answers { return answers{known: map[request][]byte{}} }

func (a *answers) of(id request) []byte { return a.known[id] }

func (a *answers) find(id request) ([]byte, bool) {
	answer, ok := a.known[id]
	return answer, ok
}

func (a *answers) add(id request, answer []byte) {
	a.known[id] = answer
	a.order = append(a.order, id)
	if len(a.order) > keptAnswers {
		delete(a.known, a.order[0])
		a.order = a.order[1:]
	}
}

// encode appends the answers, the oldest first.
func (a *answers) encode(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(a.order)))
	for _, id := range a.order {
		b = append(b, id[:]...)
		b = binary.AppendUvarint(b, uint64(len(a.known[id])))
		b = append(b, a.known[id]...)
	}
	return b
}

var errAnswers = errors.New("snapshot holds more answers than there can be")

const maxAnswer = 1 << 20

func readAnswers(r reader) (a answers, err error) {
	a = newAnswers()
	n, err := binary.ReadUvarint(r)
	if err != nil || n > keptAnswers {
		return a, errors.Join(errAnswers, err)
	}
	for range n {
		var id request
		if _, err := io.ReadFull(r, id[:]); err != nil {
			return a, err
		}
		answer, err := readBlock(r, maxAnswer)
		if err != nil {
			return a, err
		}
		a.add(id, answer)
	}
	return a, nil
}
