//go:build !seeded

package seeded

import "testing"

func TestWithoutTheTagThereAreNoFaults(t *testing.T) {
	for _, f := range Faults() {
		t.Setenv(Variable, string(f))
		for range 10 {
			if Sometimes(f, 1) {
				t.Errorf("%s is committed", f)
			}
		}
	}
}
