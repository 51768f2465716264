//go:build race

package nsqd

// raceEnabled is true where allocations and memory are the race detector's.
const raceEnabled = true
