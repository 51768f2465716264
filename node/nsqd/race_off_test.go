//go:build !race

package nsqd

const raceEnabled = false
