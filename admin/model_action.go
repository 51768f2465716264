package admin

import "time"

// Kind is a thing that can be done.
type Kind string

// What can be done. Deletes and pauses reach the whole mesh from any of its nodes; each node that has the thing is asked all
// the same, so that the result of each is known.
const (
	CreateTopic    Kind = "create-topic"   // make the name known; with Nodes, make it there
	CreateChannel  Kind = "create-channel" // likewise
	DeleteTopic    Kind = "delete-topic"   // everywhere, with its messages and channels; Nodes must be empty
	DeleteChannel  Kind = "delete-channel"
	PauseTopic     Kind = "pause-topic" // messages wait in the topic and reach no channel
	UnpauseTopic   Kind = "unpause-topic"
	PauseChannel   Kind = "pause-channel" // messages wait in the channel and reach no consumer
	UnpauseChannel Kind = "unpause-channel"
	EmptyTopic     Kind = "empty-topic"   // drops what waits in the topic itself, not in its channels
	EmptyChannel   Kind = "empty-channel" // drops what waits, is in flight or deferred
	Tombstone      Kind = "tombstone"     // lookups of Topic leave out Nodes for a while (--tombstone-lifetime); with Delete, its messages there go, too
	Untombstone    Kind = "untombstone"   // ends that
	Publish        Kind = "publish"       // Body to Topic on one of Nodes; Defer is optional
	Requeue        Kind = "requeue"       // messages IDs of a channel, or all of Client, or all, that are in flight on Nodes go back into it
	Move           Kind = "move"          // likewise, but to the end of topic To on the same node
	Disconnect     Kind = "disconnect"    // the connection from Client on Nodes[0]; what it has in flight comes back when it times out
)

// Action is something to be done, and to whom. Nodes are names or addresses; empty are all that have the thing.
type Action struct {
	Kind    Kind          `json:"kind"`
	Topic   string        `json:"topic,omitempty"`
	Channel string        `json:"channel,omitempty"`
	Nodes   []string      `json:"nodes,omitempty"`
	Delete  bool          `json:"delete,omitempty"`
	Body    string        `json:"body,omitempty"` // UTF-8, or base64 with Base64
	Base64  bool          `json:"base64,omitempty"`
	Defer   time.Duration `json:"defer,omitempty"`
	IDs     []string      `json:"ids,omitempty"`
	To      string        `json:"to,omitempty"`
	Client  string        `json:"client,omitempty"` // remote address, as ClientRow has it
}

// Result is what became of an action.
type Result struct {
	Action  Action       `json:"action"`
	OK      bool         `json:"ok"`      // on all nodes
	Summary string       `json:"summary"` // for people: what was done, or how many nodes failed
	Nodes   []NodeResult `json:"nodes"`   // of each node that was asked, or should have been
}

// NodeResult is what became of it on one node.
type NodeResult struct {
	Node    string  `json:"node"`
	Address string  `json:"address"`
	OK      bool    `json:"ok"`
	Text    string  `json:"text"` // for people
	TookMs  float64 `json:"took_ms"`
}

// AuditEntry is an action that somebody took through a node.
type AuditEntry struct {
	When   time.Time `json:"when"` // by the clock of that node
	Who    string    `json:"who"`  // empty where nobody has to log in
	From   string    `json:"from"` // the address of the request
	Via    string    `json:"via"`  // the node
	Action Action    `json:"action"`
	Result Result    `json:"result"`
}

// Audit is what people did through all nodes, the latest first.
type Audit struct {
	Coverage
	Entries []AuditEntry `json:"entries"`
}

// State is where a message is.
type State string

// States of messages that can be looked at.
const (
	Waiting  State = "waiting" // in memory; the disk is not read
	InFlight State = "in_flight"
	Deferred State = "deferred"
)

// Peek is messages of a channel or, without one, of a topic's own backlog on one node, looked at and not consumed.
type Peek struct {
	Coverage
	Topic    string    `json:"topic"`
	Channel  string    `json:"channel"`
	State    State     `json:"state"`
	Messages []Message `json:"messages"`
	Total    int64     `json:"total"`  // in that state on that node
	Hidden   int64     `json:"hidden"` // of them on disk, which is not read
}

// Message is one message. A long body is cut to the first 64 KiB.
type Message struct {
	Node      string        `json:"node"`
	ID        string        `json:"id"`
	Timestamp time.Time     `json:"timestamp"`
	Attempts  int           `json:"attempts"`
	Size      int           `json:"size"`
	Body      []byte        `json:"body"` // base64 in JSON
	Cut       bool          `json:"cut"`
	Client    string        `json:"client"` // in flight: to which connection
	Left      time.Duration `json:"left"`   // in flight: until it times out; deferred: until it is due
}
