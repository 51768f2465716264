package queue

import (
	"math/rand/v2"
	"testing"
)

// slots is what inFlight needs of its index.
type slots interface {
	get(ID) uint32
	put(ID, uint32)
	remove(ID) uint32
}

// plainTable is the twin of idTable.
type plainTable map[ID]uint32

func (t plainTable) get(id ID) uint32       { return t[id] }
func (t plainTable) put(id ID, slot uint32) { t[id] = slot }
func (t plainTable) remove(id ID) uint32 {
	slot := t[id]
	delete(t, id)
	return slot
}

var tables = map[string]func() slots{
	"idTable":    func() slots { return &idTable{} },
	"plainTable": func() slots { return plainTable{} },
}

func TestIDTable(t *testing.T) {
	sources := map[string]func(r *rand.Rand) ID{
		"ids in a row":             func(r *rand.Rand) ID { return ID(0x18a433d50f669000 + r.IntN(500)) },
		"ids of several units":     func(r *rand.Rand) ID { return ID(r.IntN(20)<<22 | 5<<12 | r.IntN(20)) },
		"any ids":                  func(r *rand.Rand) ID { return ID(r.IntN(300)) * 0x123456789abcdef },
		"ids that share a home":    func(r *rand.Rand) ID { return ID(r.IntN(40)) * 0xf1de83e19937733d }, // the multiplier's inverse
		"ids around 0 and the top": func(r *rand.Rand) ID { return ID(r.IntN(60)) - 30 },
	}
	for kind, make := range tables {
		for name, next := range sources {
			t.Run(kind+"/"+name, func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, 2))
				table, want := make(), plainTable{}
				for step := range 20000 {
					id := next(r)
					switch have := want.get(id); {
					case table.get(id) != have:
						t.Fatalf("step %d: slot of %x is %d, want %d", step, id, table.get(id), have)
					case have == 0 && r.IntN(3) > 0:
						slot := r.Uint32N(1000) + 1
						table.put(id, slot)
						want.put(id, slot)
					default:
						if got := table.remove(id); got != have {
							t.Fatalf("step %d: removed slot %d of %x, want %d", step, got, id, have)
						}
						want.remove(id)
					}
				}
				for id, slot := range want {
					if table.get(id) != slot {
						t.Fatalf("in the end the slot of %x is %d, want %d", id, table.get(id), slot)
					}
				}
			})
		}
	}
}

// BenchmarkIDTable is what one message costs the index: in, found, out, with 2500 in flight.
func BenchmarkIDTable(b *testing.B) {
	for kind, make := range tables {
		b.Run(kind, func(b *testing.B) {
			table, id := make(), ID(0x18a433d50f669000)
			for range 2500 {
				id++
				table.put(id, 1)
			}
			b.ReportAllocs()
			for b.Loop() {
				id++
				table.put(id, 1)
				table.get(id - 2500)
				table.remove(id - 2500)
			}
		})
	}
}
