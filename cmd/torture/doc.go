// Command torture runs a mesh of real nodes under load while faults strike them, and then checks what docs/guarantees.md
// promises: that no acknowledged message is lost but by what may lose one, that nothing is invented, comes early or comes
// again after it was surely finished, and that all nodes tell the same in the end. docs/torture.md is its manual.
//
// It knows the product from outside alone, by its ports, files and signals; so the nodes are those that ship, and their
// faults are real. A ledger (ledger.go) holds every message that was attempted and every delivery; its locks are leaves.
// A seed makes the plan of faults; what they meet is up to the machine. It never judges by speed.
package main
