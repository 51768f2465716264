// Package lookupd speaks the TCP protocol V1 of nsqlookupd, on both sides.
//
// A Server takes the registrations of stock nsqds and puts them into the registry as guests of this node. Peers registers
// the topics of this node with stock nsqlookupds, one goroutine for each of them, so that a slow one delays nobody.
//
// Server.mu and Peers.mu guard who is connected; a connection belongs to its goroutine. What a guest registered is kept by
// the registry alone, and who produces what is never asked here.
package lookupd
