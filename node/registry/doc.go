// Package registry knows who produces what: the topics and channels of every node of the mesh and of the stock nsqds
// that are guests of one, and the intents (create, delete, pause) that all nodes share.
//
// Every node owns one document and is the only one to change it. Documents are replicated as opaque bytes (Hash, Digest,
// Missing, Answer and Merge are what gossip asks for); a delta is valid only from a version that the receiver has, anything
// else is replaced by a snapshot, and a lower (generation, version) is refused, so an old copy never brings anything back.
// What all documents say together is kept as an immutable View, of which only the topics that changed are built anew.
//
// Registry.mu guards all but the view, which is swapped atomically and read without a lock. Nothing foreign is called
// while it is held. The package never compares wall clocks of two nodes: what expires travels as remaining milliseconds.
package registry
