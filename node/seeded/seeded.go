// Package seeded has a node break promises on purpose, so that the torture suite can show that it would notice. It owns
// nothing and guards nothing. In a program that is built without the tag "seeded" no fault can be had: Sometimes is then a
// constant, and what hangs on it is not in the program. Never ship one that is built with it.
package seeded

// Fault is a promise that is broken.
type Fault string

const (
	AckBeforeAppend Fault = "ack-before-append" // a publish is answered some time before its messages are stored
	ForgetFinish    Fault = "forget-finish"     // a FIN is taken and comes to nothing
	DropDeferred    Fault = "drop-deferred"     // what is deferred at a stop is gone afterwards
	LoseDelta       Fault = "lose-delta"        // a change of another node's registry counts as heard and is not kept
	SkipFlush       Fault = "skip-flush"        // what is in memory at a stop is gone afterwards
)

// Faults are all of them.
func Faults() []Fault {
	return []Fault{AckBeforeAppend, ForgetFinish, DropDeferred, LoseDelta, SkipFlush}
}

// Variable is the environment variable that names the fault of a program that can have one.
const Variable = "NSQMESH_SEEDED_FAULT"
