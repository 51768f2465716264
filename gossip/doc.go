// Package gossip keeps a mesh of nodes together: who is a member, who is alive, links between members, and the
// replication of one opaque State. It knows nothing about what the state means and imports nothing of ours.
//
// Membership and failure detection are memberlist's (UDP probes, suspicion, refutation), sharpened by the links:
// every pair of members (or, in a large mesh, a bounded number of them) keeps one TCP connection. A link that breaks is
// an immediate suspicion that one dial confirms; a link that talks proves life whatever UDP says. The verdict of both is
// in the table (member.go), which is what Alive and Members answer from.
//
// A change travels three ways. It is pushed over the links at once and queued as a UDP hint: both are best effort.
// Anti-entropy (sync.go) makes it certain: every second or so two members compare hashes, and pull what they lack.
//
// What guards what: the table, the set of links, each link's calls and each queue have a lock of their own; all of them
// are leaves, none is held while another is taken or while anything blocks. memberlist calls its delegates with its own
// lock held, so the delegates (delegate.go) take only leaf locks, never block and never call memberlist.
//
// The package never compares clocks of two nodes and never puts content of the state into memberlist's push/pull. Gossip
// is encrypted when keys are set. Links are encrypted by TLS only: with keys and no TLS the two ends of a link prove to
// each other that they hold a key of the ring, but what they say afterwards can be read and altered on the way.
package gossip
